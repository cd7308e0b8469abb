/** Rows of JSONL and JSONL.gz files. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InputError, LorikeetError, messageOf } from '../../util/errors.js';
import { type JsonRow, readJsonl } from '../../util/files.js';
import type { FileRows } from './file-rows.js';

/** @throws InputError naming `file:line`, or the file when it cannot be unpacked. */
export function readJsonlRows(path: string): FileRows {
  return { rows: read(path), where: (index) => `${path}:${lineOfRow(path, index)}` };
}

function read(path: string): JsonRow[] {
  try {
    return readJsonl(path);
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    throw new InputError({
      where: path,
      problem: `cannot be read (${messageOf(error)})`,
      remedy: 'Is the file whole, and packed as its name says?',
    });
  }
}

/** Blank lines are no rows, so the line is looked up, when an error needs it. */
function lineOfRow(path: string, index: number): number {
  const bytes = readFileSync(path);
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n');
  let rows = -1;
  return lines.findIndex((line) => line.trim() !== '' && ++rows === index) + 1;
}
