/**
 * Rows of Parquet files as JSON values: whole numbers beyond 2^53 become decimal strings, dates ISO
 * strings. Text is UTF-8, as in other files. Bytes are text where they are UTF-8, as old writers store
 * it, else `{base64}`, which nothing takes for text.
 */
import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { InputError, messageOf } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { assertFetched } from '../../util/git-lfs.js';
import { isObject, parseJson } from '../../util/json-object.js';
import { type FileRows, rowLabel } from './file-rows.js';

/** What stands for text in other bytes until its row is known. */
const NOT_UTF8 = Symbol('not UTF-8');

const decoded = (read: (text: string) => unknown) => (bytes: Uint8Array | undefined) =>
  bytes && (isUtf8(bytes) ? read(Buffer.from(bytes).toString()) : NOT_UTF8);

const READING = {
  compressors,
  /** Bytes that the file does not call text are told by what they hold. */
  utf8: false,
  parsers: { stringFromBytes: decoded(String), jsonFromBytes: decoded(parseJson) },
};

/** @throws InputError when the file is missing, cut off or no Parquet, or naming text that is not UTF-8. */
export async function readParquetRows(path: string): Promise<FileRows> {
  const where = (index: number) => rowLabel(path, index);
  try {
    const file = await openParquet(path);
    const metadata = await metadataOf(file);
    const rows = await parquetReadObjects({ file, metadata, ...READING });
    return { rows: rows.map((row, index) => toJson(row, where(index)) as JsonRow), where };
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

/** With the keys of maps as text, which names have to be: their bytes may not be called so. */
async function metadataOf(file: AsyncBuffer): Promise<FileMetaData> {
  const metadata = await parquetMetadataAsync(file);
  for (const [at, { converted_type: map }] of metadata.schema.entries()) {
    // After a map come its pairs, and the key of these.
    const key = map === 'MAP' ? metadata.schema[at + 2] : undefined;
    if (key?.type?.endsWith('BYTE_ARRAY') && key.logical_type === undefined)
      key.converted_type ??= 'UTF8';
  }
  checkGroups(metadata);
  return metadata;
}

const columnsOf = ({ children, path }: SchemaTree): string[] =>
  children.length > 0 ? children.flatMap(columnsOf) : [JSON.stringify(path)];

/** hyparquet reads all columns at once, and a failure of one that it does not come to would end the process. */
function checkGroups(metadata: FileMetaData): void {
  const known = parquetSchema(metadata).children.flatMap(columnsOf).join();
  let rows = 0n;
  for (const { columns, num_rows } of metadata.row_groups) {
    const found = columns.map(({ meta_data }) => JSON.stringify(meta_data?.path_in_schema));
    if (found.join() !== known) throw new Error('a group of rows has not the columns of the file');
    rows += num_rows;
  }
  if (rows !== metadata.num_rows) {
    throw new Error(`${metadata.num_rows} rows in groups of ${rows}`);
  }
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
  const metadata = await metadataOf(file).catch(fail);
  const total = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < total; rowStart += BLOCK) {
    const rowEnd = Math.min(rowStart + BLOCK, total);
    const part = { file, metadata, rowStart, rowEnd, ...READING };
    for (const [index, row] of (await parquetReadObjects(part).catch(fail)).entries()) {
      const where = rowLabel(path, rowStart + index);
      yield { row: toJson(row, where) as JsonRow, where };
    }
  }
}

/** Of a map. */
const hasOtherKey = (value: unknown): boolean => isObject(value) && Object.hasOwn(value, NOT_UTF8);

/** @param where Row and fields, for errors @throws InputError where a text is not UTF-8 */
function toJson(value: unknown, where: string): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value === NOT_UTF8 || hasOtherKey(value)) {
    const remedy = 'Write the column as UTF-8, or as bytes';
    throw new InputError({ where, problem: 'the text is not UTF-8', remedy });
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value);
    return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
  }
  if (ArrayBuffer.isView(value)) return toJson(Array.from(value as Float64Array), where);
  if (Array.isArray(value)) return value.map((each) => toJson(each, where));
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, toJson(each, `${where}: ${key}`)]),
  );
}
