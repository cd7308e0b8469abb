/** Text files are UTF-8. Other bytes would be read as replacement characters, and trained and graded as such. */
import { constants, isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { InputError, messageOf } from './errors.js';
import { assertFetched } from './git-lfs.js';

/** @throws InputError when the file is missing, cannot be read, is not UTF-8, or was not fetched by Git LFS */
export function readText(path: string): string {
  const bytes = readBytes(path);
  assertFetched(path, bytes);
  return textOf(bytes, path);
}

/** @throws InputError when the file is missing or cannot be read */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw notRead(path, error);
  }
}

/** What stands for an error of opening or reading `path`. */
export function notRead(path: string, error: unknown): InputError {
  const { code } = error as NodeJS.ErrnoException;
  const cause = { cause: error };
  if (code === 'ENOENT') return new InputError({ where: path, problem: 'no such file' }, cause);
  if (code === 'EISDIR') {
    return new InputError({ where: path, problem: 'is a folder, expected a file' }, cause);
  }
  const problem = `cannot be read (${messageOf(error)})`;
  const remedy = 'Check the file and the rights to read it';
  return new InputError({ where: path, problem, remedy }, cause);
}

/**
 * Bytes as text, without the byte-order mark that some editors put first.
 * @param firstLine number of the line that the bytes begin, where they are not the whole file
 * @throws InputError naming the line of the first byte that is not UTF-8, or where they are more than fit into a text
 */
export function textOf(bytes: Buffer, path: string, firstLine = 1): string {
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    const problem = `a text of ${bytes.length} bytes is longer than one can be`;
    const remedy = 'Break it into lines, of a data set one object each';
    throw new InputError({ where: `${path}:${firstLine}`, problem, remedy });
  }
  if (!isUtf8(bytes)) throw notUtf8(bytes, path, firstLine);
  const text = bytes.toString('utf8');
  return firstLine === 1 ? text.replace(/^\uFEFF/, '') : text;
}

function notUtf8(bytes: Buffer, path: string, firstLine: number): InputError {
  const isWide =
    firstLine === 1 && bytes.length > 1 && [0xfffe, 0xfeff].includes(bytes.readUInt16BE(0));
  const remedy = 'Save the file as UTF-8';
  if (isWide) return new InputError({ where: path, problem: 'the text is UTF-16', remedy });
  if (firstLine === 1 && bytes.length > 1 && bytes.readUInt16BE(0) === GZIP) {
    const problem = 'the file is packed by gzip';
    return new InputError({
      where: path,
      problem,
      remedy: 'Unpack it, or let its name end in .gz',
    });
  }
  let [line, start] = [firstLine, 0];
  for (let end = bytes.indexOf(LINE_BREAK); end >= 0; end = bytes.indexOf(LINE_BREAK, start)) {
    if (!isUtf8(bytes.subarray(start, end))) break;
    line++;
    start = end + 1;
  }
  return new InputError({ where: `${path}:${line}`, problem: 'the text is not UTF-8', remedy });
}

export const LINE_BREAK = 0x0a;

/** First bytes of what gzip packs (RFC 1952). */
const GZIP = 0x1f8b;
