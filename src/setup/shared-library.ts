/** Shared libraries that this machine compiles for itself, and can do without. */
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { partName, removeFolderParts } from '../util/atomic-folder.js';
import { writeFileAtomic } from '../util/files.js';
import type { Env } from '../util/programs.js';
import { failureOf, runChild } from './child.js';
import type { Compiler } from './tools.js';

export interface LibraryOptions {
  readonly compiler: Compiler;
  /** Flags and sources. */
  readonly args: readonly string[];
  /** The library, in a folder that is there. */
  readonly library: string;
  /** Where the command and what the compiler said go when it fails. */
  readonly logFile: string;
  readonly env: Env;
  readonly signal: AbortSignal | undefined;
}

/**
 * Compiles it beside its place, which it takes when it is whole. What killed processes have left of it goes.
 * @returns null; else why the compiler does not take the sources
 */
export async function compileLibrary(options: LibraryOptions): Promise<string | null> {
  const { compiler, library, logFile, env, signal } = options;
  const part = partName(`${library}.`);
  removeFolderParts(dirname(library), (name) => name === basename(library));
  const args = [...compiler.args, ...options.args, '-o', part];
  try {
    const result = await runChild(compiler.program, args, { env, signal });
    if (result.code !== 0) {
      const command = `${compiler.program} ${args.join(' ')}`;
      writeFileAtomic(logFile, `${command}\n${result.stdout}${result.stderr}`);
      return `${failureOf(result)}; see ${logFile}`;
    }
    renameSync(part, library);
    return null;
  } finally {
    rmSync(part, { force: true });
  }
}
