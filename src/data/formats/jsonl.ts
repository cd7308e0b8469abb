/** Rows of JSONL and JSONL.gz files. */
import { InputError, LorikeetError, messageOf } from '../../util/errors.js';
import { fileLines, type JsonRow, readJsonl } from '../../util/files.js';
import type { FileRows } from './file-rows.js';

/** @throws InputError naming `file:line`, or the file when it cannot be unpacked. */
export function readJsonlRows(path: string): FileRows {
  let lines: readonly number[] | undefined;
  const where = (index: number): string => {
    lines ??= linesOfRows(path);
    return `${path}:${lines[index]}`;
  };
  return { rows: read(path), where };
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

/** Line of each row, from 1. Blank lines are no rows. */
function linesOfRows(path: string): number[] {
  const lines: number[] = [];
  let number = 0;
  for (const line of fileLines(path)) {
    number++;
    if (line.trim() !== '') lines.push(number);
  }
  return lines;
}
