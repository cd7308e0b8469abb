/**
 * Provides a Python environment for graders and tool calls: a venv in the cache folder with the packages
 * that mathematics wants, from wheels only. It gets its name when everything in it has been imported once.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFolder } from '../util/atomic-folder.js';
import { SetupError } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import { readRecord } from '../util/own-files.js';
import { failureOf, runChild } from './child.js';
import type { StepContext } from './observer.js';
import { findPython } from './tools.js';

interface PythonEnvironmentOptions extends StepContext {
  /** Where it goes. */
  readonly folder: string;
  /** Names as pip takes them. */
  readonly packages: readonly string[];
  /** Make it anew even when it is there. */
  readonly force: boolean;
}

export interface PythonEnvironment {
  readonly folder: string;
  /** Version of Python. */
  readonly python: string;
  /** What was asked for. */
  readonly packages: readonly string[];
  /** What pip installed, `name==version`. */
  readonly installed: readonly string[];
}

const MANIFEST = 'lorikeet.json';

/** The environment that is there with exactly these packages, or null. */
function existing({ folder, packages }: PythonEnvironmentOptions): PythonEnvironment | null {
  const path = join(folder, MANIFEST);
  if (!existsSync(path) || !existsSync(join(folder, 'bin', 'python'))) return null;
  const found = readRecord<PythonEnvironment>(path, {
    fields: { packages: 'list', installed: 'list' },
    remedy: `Delete ${folder} and give setup python=true again`,
  });
  return [...found.packages].sort().join() === [...packages].sort().join() ? found : null;
}

interface Step {
  readonly program: string;
  readonly args: readonly string[];
  readonly what: string;
}

async function step({ program, args, what }: Step, options: PythonEnvironmentOptions) {
  const { env, signal } = options;
  const result = await runChild(program, args, { env, signal });
  if (result.code === 0) return result.stdout;
  throw new SetupError({
    where: program,
    problem: `${what} failed (${failureOf(result)})`,
    remedy:
      'Check the network and the names; python3 needs its venv module and pip 22.3 or newer (Debian, Ubuntu: `apt install python3-pip`)',
  });
}

async function fill(part: string, options: PythonEnvironmentOptions): Promise<PythonEnvironment> {
  const { program, version } = await findPython(options.env);
  const { folder, packages, observer } = options;
  observer.log(`Python ${version} with ${packages.join(', ')} goes to ${folder}`);
  const create = ['-m', 'venv', '--without-pip', part];
  await step({ program, args: create, what: 'making the environment' }, options);
  const python = join(part, 'bin', 'python');
  const pip = ['-m', 'pip', '--python', python, '--disable-pip-version-check', '--no-input'];
  const install = [...pip, 'install', '--quiet', '--only-binary', ':all:', ...packages];
  await step({ program, args: install, what: 'installing the packages' }, options);
  const list = await step({ program, args: [...pip, 'freeze'], what: 'listing them' }, options);
  const check = [...pip, 'check'];
  await step({ program, args: check, what: 'checking what was installed' }, options);
  const installed = list.split('\n').filter((line) => line !== '');
  return { folder, python: version, packages: [...packages], installed };
}

/** @throws SetupError when Python, pip or the network is missing; nothing half-made is left. */
export async function setUpPythonEnvironment(
  options: PythonEnvironmentOptions,
): Promise<PythonEnvironment> {
  const found = options.force ? null : existing(options);
  if (found !== null) return found;
  return await replaceFolder(options.folder, async (part) => {
    const made = await fill(part, options);
    writeJson(join(part, MANIFEST), made);
    return made;
  });
}
