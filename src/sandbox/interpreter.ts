/** The Python that runs snippets: set-up's own environment, else the one on PATH. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '../util/cache.js';
import { messageOf, SetupError } from '../util/errors.js';
import { findProgram } from '../util/programs.js';

export interface Interpreter {
  readonly program: string;
  readonly version: string;
  /** Folders that it needs: its environment, and the installation that this was made from. */
  readonly folders: readonly string[];
  /** Whether it is the environment that set-up makes. */
  readonly isEnvironment: boolean;
}

const OLDEST = [3, 8] as const;

/** Where `lorikeet setup python=true` puts its environment. */
export const pythonEnvironment = (): string => join(cacheRoot(), 'python', 'graders');

/** Set-up's environment, else `$LORIKEET_PYTHON`, else python3 on PATH. */
function chosenProgram(): string | null {
  const own = join(pythonEnvironment(), 'bin', 'python');
  return existsSync(own) ? own : findProgram(process.env.LORIKEET_PYTHON || 'python3');
}

const DESCRIBE =
  'import json, sys; print(json.dumps([sys.executable, list(sys.version_info[:3]), sys.prefix, sys.base_prefix]))';

/** @throws SetupError when there is none, or it does not work or is too old. */
export async function findInterpreter(named: string | null = null): Promise<Interpreter> {
  const program = named === null ? chosenProgram() : findProgram(named);
  const where = named ?? (process.env.LORIKEET_PYTHON || 'python3');
  const remedy = 'Run `npx lorikeet setup python=true`, or name a Python in LORIKEET_PYTHON';
  if (program === null) throw new SetupError({ where, problem: 'not found on PATH', remedy });
  const described = await describe(program, remedy);
  const [executable, version, prefix, base] = described;
  const [major = 0, minor = 0] = version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    const problem = `Python ${version.join('.')} is too old`;
    throw new SetupError({ where: program, problem, remedy: `Use ${OLDEST.join('.')} or newer` });
  }
  return {
    program: executable,
    version: version.join('.'),
    folders: [...new Set([prefix, base])],
    isEnvironment: prefix === pythonEnvironment(),
  };
}

type Described = readonly [string, readonly number[], string, string];

async function describe(program: string, remedy: string): Promise<Described> {
  try {
    const { stdout } = await promisify(execFile)(program, ['-I', '-c', DESCRIBE]);
    return JSON.parse(stdout) as Described;
  } catch (error) {
    throw new SetupError({ where: program, problem: `does not work: ${messageOf(error)}`, remedy });
  }
}
