/**
 * Rows of Parquet files as JSON values: whole numbers beyond 2^53 become decimal strings, dates ISO
 * strings, bytes base64.
 */
import { existsSync } from 'node:fs';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { InputError, messageOf } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { assertFetched } from '../../util/git-lfs.js';
import { type FileRows, rowLabel } from './file-rows.js';

/** @throws InputError when the file is missing, cut off or no Parquet. */
export async function readParquetRows(path: string): Promise<FileRows> {
  const where = (index: number) => rowLabel(path, index);
  try {
    const file = await openParquet(path);
    const rows = await parquetReadObjects({ file, compressors });
    return { rows: rows.map((row) => toJson(row) as JsonRow), where };
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function openParquet(path: string): Promise<AsyncBuffer> {
  if (!existsSync(path)) throw new InputError({ where: path, problem: 'no such file' });
  const file = await asyncBufferFromFile(path);
  assertFetched(path, new Uint8Array(await file.slice(0, Math.min(64, file.byteLength))));
  return file;
}

function unreadable(path: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  return new InputError({
    where: path,
    problem: `cannot be read as Parquet (${messageOf(error)})`,
    remedy: 'Is the file whole?',
  });
}

const BLOCK = 1000;

/** The same rows one after the other, a block of them in memory at a time. @throws InputError as `readParquetRows` */
export async function* streamParquetRows(
  path: string,
): AsyncGenerator<{ row: JsonRow; where: string }> {
  const fail = (error: unknown): never => {
    throw unreadable(path, error);
  };
  const file = await openParquet(path).catch(fail);
  const metadata = await parquetMetadataAsync(file).catch(fail);
  const total = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < total; rowStart += BLOCK) {
    const rowEnd = Math.min(rowStart + BLOCK, total);
    const part = { file, metadata, compressors, rowStart, rowEnd };
    for (const [index, row] of (await parquetReadObjects(part).catch(fail)).entries()) {
      yield { row: toJson(row) as JsonRow, where: rowLabel(path, rowStart + index) };
    }
  }
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return viewToJson(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]));
}

/** Bytes are base64; other typed arrays are lists of numbers. */
function viewToJson(view: ArrayBufferView): unknown {
  if (view instanceof Uint8Array) return Buffer.from(view).toString('base64');
  return Array.from(view as unknown as Iterable<number | bigint>, toJson);
}
