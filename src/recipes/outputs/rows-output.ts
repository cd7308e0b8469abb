/** Where a command's rows go: a JSONL file, written whole by one process at a time, or standard output. */
import { existsSync } from 'node:fs';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { writeJsonl } from '../../util/files.js';
import { inUseRemedy } from '../../util/in-use.js';
import type { RecipeContext } from '../context.js';
import { lockOutput } from './output-lock.js';

export interface OutputKeys {
  readonly output: string | null;
  readonly overwrite: boolean;
}

/**
 * Call before the work begins; gives what frees the file again.
 * @param key of the config
 * @throws InputError when another process writes it, it is no file, it exists and may not be replaced, or its folder cannot be made
 */
export function holdOutput({ output, overwrite }: OutputKeys, key = 'output'): () => void {
  if (output === null) return () => {};
  const free = lockOutput(output, { key });
  if (overwrite || !existsSync(output)) return free;
  free();
  throw new InputError({
    where: key,
    problem: `the file ${output} exists`,
    remedy: inUseRemedy(key),
  });
}

export interface WrittenRows {
  readonly output: string;
  readonly rows: number;
}

/** @returns what was written; null when the rows went to standard output. */
export function writeRows(
  { output }: OutputKeys,
  rows: readonly object[],
  context: RecipeContext,
): WrittenRows | null {
  if (output === null) {
    for (const row of rows) context.print(JSON.stringify(row));
    return null;
  }
  writeJsonl(output, rows);
  context.log(`${counted(rows.length, 'row')} in ${output}`);
  return { output, rows: rows.length };
}
