/** Shared libraries that this machine compiles for itself, and can do without. */
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { partName, removeFolderParts } from '../util/atomic-folder.js';
import { writeFileAtomic } from '../util/files.js';
import { failureOf, runChild } from './child.js';
import type { StepContext } from './observer.js';
import type { Compiler } from './tools.js';

export interface CompilerCall extends Omit<StepContext, 'observer'> {
  readonly compiler: Compiler;
  /** Where the command and what the compiler said go when it fails. */
  readonly logFile: string;
  readonly cwd?: string;
}

interface LibraryOptions extends CompilerCall {
  /** Flags and sources. */
  readonly args: readonly string[];
  /** The library, in a folder that is there. */
  readonly library: string;
}

/** @returns null; else how the compiler has failed */
export async function runCompiler(
  args: readonly string[],
  { compiler, logFile, ...options }: CompilerCall,
): Promise<string | null> {
  const all = [...compiler.args, ...args];
  const result = await runChild(compiler.program, all, options);
  if (result.code === 0) return null;
  const command = `${compiler.program} ${all.join(' ')}`;
  writeFileAtomic(logFile, `${command}\n${result.stdout}${result.stderr}`);
  return failureOf(result);
}

/**
 * Compiles it beside its place, which it takes when it is whole. What killed processes have left of it goes.
 * @returns null; else why the compiler does not take the sources
 */
export async function compileLibrary(options: LibraryOptions): Promise<string | null> {
  const { args, library, ...call } = options;
  const part = partName(`${library}.`);
  removeFolderParts(dirname(library), (name) => name === basename(library));
  try {
    const failure = await runCompiler([...args, '-o', part], call);
    if (failure !== null) return `${failure}; see ${call.logFile}`;
    renameSync(part, library);
    return null;
  } finally {
    rmSync(part, { force: true });
  }
}
