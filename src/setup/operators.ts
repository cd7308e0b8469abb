/**
 * The shared library of the rollout engine's own operators, compiled from src/rollout/native for the processor
 * of this machine. Its folder is named after all that it depends on, so that a change of the program, the
 * compiler or the processor makes another one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../util/files.js';
import { describeMachine } from '../util/machine.js';
import type { SetupObserver } from './observer.js';
import { ensureWritable } from './place.js';
import { compileLibrary } from './shared-library.js';
import { findCompiler } from './tools.js';

const SOURCES = fileURLToPath(new URL('../rollout/native/', import.meta.url));
const LIBRARY = 'rollout-operators';

const FLAGS = [
  ...['-std=c++17', '-O3', '-fPIC', '-shared', '-w'],
  // Sums keep their order; what is given up is the error number and the trap of a bad operand.
  ...['-fno-math-errno', '-fno-trapping-math'],
  ...(process.arch === 'arm64' ? ['-mcpu=native'] : ['-march=native', '-mprefer-vector-width=512']),
];

const sources = (): string[] =>
  readdirSync(SOURCES)
    .filter((name) => /[.](cc|h)$/.test(name))
    .sort();

/** Where the library is, or will be, in a cache folder. */
export function operatorsLibrary(root: string): string {
  const { cpu, features } = describeMachine();
  const key = sha256(
    JSON.stringify([process.platform, process.arch, os.release(), cpu, features, FLAGS]),
    ...sources().map((name) => readFileSync(join(SOURCES, name))),
  );
  return join(root, 'rollout', key.slice(0, 16), `${LIBRARY}.so`);
}

export interface OperatorsOptions {
  /** Cache folder. */
  readonly root: string;
  readonly observer: Pick<SetupObserver, 'log'>;
  /** Compile even when the library is there. */
  readonly force?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** `refused`: the compiler does not take the sources; sampling then goes on with ONNX Runtime's operators. */
export type OperatorsOutcome = 'found' | 'compiled' | 'refused';

/**
 * Compiles the library unless it is there. A compiler that refuses the sources is reported, not fatal.
 * @throws SetupError when there is no compiler
 */
export async function setUpOperators(options: OperatorsOptions): Promise<OperatorsOutcome> {
  const { root, observer, force = false, signal } = options;
  const library = operatorsLibrary(root);
  if (existsSync(library) && !force) return 'found';
  const { env } = process;
  const compiler = findCompiler(env);
  const folder = join(library, '..');
  ensureWritable(join(root, 'rollout'));
  mkdirSync(folder, { recursive: true });
  observer.log(`compiling the rollout operators with ${compiler.program}`);
  const files = sources().filter((name) => name.endsWith('.cc'));
  const args = [...FLAGS, ...files.map((name) => join(SOURCES, name))];
  const logFile = join(folder, 'compile.log');
  const refusal = await compileLibrary({ compiler, args, library, logFile, env, signal });
  if (refusal === null) return 'compiled';
  observer.log(`the rollout operators do not compile (${refusal}): sampling will be slower`);
  return 'refused';
}
