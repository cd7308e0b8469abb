/** Finds the programs that set-up needs: python3 with pip, and a C++ compiler. */
import { messageOf, SetupError } from '../util/errors.js';
import { type Env, findProgram } from '../util/programs.js';
import { failureOf, runChild } from './child.js';

/** A compiler command: the program and the arguments that belong to its name, as in `CXX="ccache g++"`. */
export interface Compiler {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * `$CXX`, else the first of c++, g++, clang++.
 * @throws SetupError when there is none.
 */
export function findCompiler(env: Env = process.env): Compiler {
  const named = env.CXX?.trim().split(/\s+/) ?? [];
  const candidates = named[0] ? [named] : [['c++'], ['g++'], ['clang++']];
  for (const [name = '', ...args] of candidates) {
    const program = findProgram(name, env);
    if (program !== null) return { program, args };
  }
  throw new SetupError({
    where: named[0] ? `CXX=${env.CXX}` : 'C++ compiler',
    problem: named[0] ? 'no such program' : 'none on PATH (looked for c++, g++, clang++)',
    remedy: 'Install one (Debian, Ubuntu: `apt install g++`), or name one in CXX',
  });
}

export interface Python {
  readonly program: string;
  readonly version: string;
  readonly pip: string;
}

const PYTHON_REMEDY =
  'Install it (Debian, Ubuntu: `apt install python3 python3-pip`), or name one in LORIKEET_PYTHON';

/**
 * `$LORIKEET_PYTHON`, else python3 on PATH, with its pip.
 * @throws SetupError when python3 or its pip is missing.
 */
export async function findPython(env: Env = process.env): Promise<Python> {
  const name = env.LORIKEET_PYTHON || 'python3';
  const program = findProgram(name, env);
  if (program === null) {
    throw new SetupError({ where: name, problem: 'not found on PATH', remedy: PYTHON_REMEDY });
  }
  const code =
    'import platform; print(platform.python_version()); import pip; print(pip.__version__)';
  const result = await runChild(program, ['-c', code], { env });
  const [version = '', pip = ''] = result.stdout.trim().split('\n');
  if (result.code === 0) return { program, version, pip };
  const noPip = result.stderr.includes("No module named 'pip'");
  throw new SetupError({
    where: program,
    problem: noPip ? `Python ${version} has no pip` : `does not work (${failureOf(result)})`,
    remedy: noPip
      ? `Install it (Debian, Ubuntu: \`apt install python3-pip\`; elsewhere \`${program} -m ensurepip\`)`
      : PYTHON_REMEDY,
  });
}

/** Both. @throws SetupError as they do, one that names all that is missing. */
export async function findTools(env: Env): Promise<{ compiler: Compiler; python: Python }> {
  const [compiler, python] = await Promise.allSettled([
    (async () => findCompiler(env))(),
    findPython(env),
  ]);
  if (compiler.status === 'rejected' && python.status === 'rejected') {
    throw new SetupError([compiler, python].map(({ reason }) => messageOf(reason)).join('; '));
  }
  if (compiler.status === 'rejected') throw compiler.reason;
  if (python.status === 'rejected') throw python.reason;
  return { compiler: compiler.value, python: python.value };
}
