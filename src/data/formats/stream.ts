/** Rows of large files one after the other: JSONL by line, Parquet by a block of rows; others are read whole. */
import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { InputError, messageOf } from '../../util/errors.js';
import { type JsonRow, parseRow } from '../../util/files.js';
import { assertFetched } from '../../util/git-lfs.js';
import { endingOf, readRowFile } from './index.js';
import { streamParquetRows } from './parquet.js';

export interface StreamedRow {
  readonly row: JsonRow;
  /** `file:line` or `file:row N`. */
  readonly where: string;
}

/** @throws InputError on a missing or damaged file, or a row that is none, when it is reached. */
export async function* streamRowFile(path: string): AsyncGenerator<StreamedRow> {
  const ending = endingOf(path);
  if (ending === '.jsonl' || ending === '.jsonl.gz') yield* streamLines(path);
  else if (ending === '.parquet') yield* streamParquetRows(path);
  else {
    const file = await readRowFile(path);
    for (const [index, row] of file.rows.entries()) yield { row, where: file.where(index) };
  }
}

async function* streamLines(path: string): AsyncGenerator<StreamedRow> {
  let line = 0;
  let source: ReadStream | undefined;
  try {
    assertFetched(path, await firstBytes(path));
    source = createReadStream(path);
    const input = path.toLowerCase().endsWith('.gz') ? source.pipe(createGunzip()) : source;
    // Errors of the file do not pass through the pipe.
    source.on('error', (error) => input.destroy(error));
    for await (const text of linesOf(input)) {
      line++;
      const where = `${path}:${line}`;
      if (text.trim() !== '') yield { row: parseRow(text, where), where };
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError({ where: path, problem: `cannot be read (${messageOf(error)})` });
  } finally {
    source?.destroy();
  }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(64) });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Only `\n` ends a line: JSON texts may hold U+2028 and U+2029, at which `node:readline` ends one from Node 24 on. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of bytes) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    rest += first;
    for (const next of others) {
      yield rest;
      rest = next;
    }
  }
  yield rest + decoder.decode();
}
