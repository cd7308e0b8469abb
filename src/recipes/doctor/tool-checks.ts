/** Checks of the programs that Lorikeet starts: python3 with pip and a compiler (set-up), bubblewrap (sandbox). */
import { findInterpreter, sandboxSupport } from '../../sandbox/index.js';
import { findCompiler, findPython } from '../../setup/index.js';
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

/** Whether code of graders and models can be run inside walls. */
export async function sandboxCheck(): Promise<Check> {
  const support = await sandboxSupport();
  return support.available
    ? ok('sandbox', `${support.program} ${support.version}, an empty sandbox was made`)
    : note('sandbox', support.problem, support.remedy);
}

/** Which Python graders and tool calls use, and whether it is the environment with the packages. */
export async function graderPythonCheck(): Promise<Check> {
  const name = 'grader python';
  try {
    const { program, version, isEnvironment } = await findInterpreter();
    const found = `${program} ${version}`;
    const remedy = 'Run `npx lorikeet setup python=true` for sympy, numpy, scipy and others';
    return isEnvironment ? ok(name, found) : note(name, `${found}, packages as they are`, remedy);
  } catch (error) {
    return note(name, 'not usable', messageOf(error));
  }
}
