/** Row files: the reader of each file name ending. */
import { InputError } from '../../util/errors.js';
import { ROW_FILE_ENDINGS, type RowFileEnding } from '../../util/row-file-endings.js';
import { readCsvRows } from './csv.js';
import type { FileRows } from './file-rows.js';
import { readJsonRows } from './json.js';
import { readJsonlRows } from './jsonl.js';
import { readParquetRows } from './parquet.js';

export type { FileRows } from './file-rows.js';

type Reader = (path: string) => FileRows | Promise<FileRows>;

const READERS = {
  '.jsonl': readJsonlRows,
  '.jsonl.gz': readJsonlRows,
  '.json': readJsonRows,
  '.csv': readCsvRows,
  '.tsv': readCsvRows,
  '.parquet': readParquetRows,
} as const satisfies Record<RowFileEnding, Reader>;

export function endingOf(path: string): RowFileEnding | undefined {
  return ROW_FILE_ENDINGS.find((ending) => path.toLowerCase().endsWith(ending));
}

export const isRowFile = (path: string): boolean => endingOf(path) !== undefined;

/** @throws InputError on an unknown ending, a missing or damaged file, or a row that is none. */
export async function readRowFile(path: string): Promise<FileRows> {
  const ending = endingOf(path);
  if (ending !== undefined) return await READERS[ending](path);
  throw new InputError({
    where: path,
    problem: 'not a file of rows',
    remedy: `Its name must end in ${ROW_FILE_ENDINGS.join(', ')}`,
  });
}
