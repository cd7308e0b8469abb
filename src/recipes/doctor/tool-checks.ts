/** Checks of the programs that Lorikeet starts: python3 with pip and a compiler (set-up), bubblewrap (sandbox). */
import { findCompiler, findProgram, findPython, runChild } from '../../setup/index.js';
import { messageOf } from '../../util/errors.js';
import { broken, type Check, note, ok } from './check.js';

/** A set-up tool that is missing matters only while TensorFlow is not set up. */
async function toolCheck(
  name: string,
  isNeeded: boolean,
  find: () => Promise<string>,
): Promise<Check> {
  try {
    return ok(name, await find());
  } catch (error) {
    return isNeeded
      ? broken(name, 'not usable', messageOf(error))
      : note(name, 'not usable', messageOf(error));
  }
}

export function setupToolChecks(isNeeded: boolean): Promise<Check[]> {
  return Promise.all([
    toolCheck('python3', isNeeded, async () => {
      const { program, version, pip } = await findPython();
      return `${program} ${version}, pip ${pip}`;
    }),
    toolCheck('compiler', isNeeded, async () => findCompiler().program),
  ]);
}

export async function sandboxCheck(): Promise<Check> {
  const remedy =
    'Install bubblewrap for graders that run code (Debian, Ubuntu: `apt install bubblewrap`)';
  const program = findProgram('bwrap');
  if (program === null) return note('sandbox', 'bubblewrap is not on PATH', remedy);
  const args = ['--ro-bind', '/', '/', '--unshare-all', '--die-with-parent', 'true'];
  const { code, stderr } = await runChild(program, args);
  if (code === 0) return ok('sandbox', program);
  const why = stderr.trim().split('\n')[0] ?? '';
  return note(
    'sandbox',
    `${program} cannot make a sandbox here (${why})`,
    'Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, or a container with SYS_ADMIN)',
  );
}
