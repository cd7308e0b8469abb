/** Files written whole or not at all, and JSONL with errors that name file and line. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { writePieces } from './atomic-file.js';
import { writing } from './disk.js';
import { InputError, messageOf } from './errors.js';
import { assertFetched } from './git-lfs.js';
import { isObject, parseJson } from './json-object.js';
import { LINE_BREAK, notRead, readBytes, readText, textOf } from './utf8.js';

/**
 * Writes beside the target, syncs, renames: readers see the old file or the new one.
 * @throws InputError when its folder cannot be made or it may not be written, RunError when writing fails
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  writePieces(path, (append) => append(typeof data === 'string' ? Buffer.from(data) : data));
}

/** A copy of its bytes, that anyone may write. @throws InputError when it is missing; otherwise as `writeFileAtomic` */
export const copyFile = (from: string, to: string): void => writeFileAtomic(to, readBytes(from));

/** Indented by two. @throws as `writeFileAtomic` */
export function writeJson(path: string, value: unknown): void {
  writeTexts(path, jsonTexts(value));
}

function* jsonTexts(value: unknown): Generator<string> {
  yield* openedJson(value, { levels: 2, indent: '\n' });
  yield '\n';
}

/** As `JSON.stringify`, one item of the outer levels at a time: a list of many rows is longer than one text can be. */
function* openedJson(
  value: unknown,
  { levels, indent }: { readonly levels: number; readonly indent: string },
): Generator<string> {
  const items = levels === 0 ? null : namedItems(value);
  if (items === null) {
    yield JSON.stringify(value, null, 2).replaceAll('\n', indent);
    return;
  }
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const inner = `${indent}  `;
  for (const [i, [name, item]] of items.entries()) {
    yield `${i === 0 ? open : ','}${inner}${name}`;
    yield* openedJson(item, { levels: levels - 1, indent: inner });
  }
  yield `${indent}${close}`;
}

/** What stands in a list or object, after what stands before it; null where there is nothing to open. */
function namedItems(value: unknown): (readonly [string, unknown])[] | null {
  if (!(Array.isArray(value) || isObject(value)) || 'toJSON' in value) return null;
  const items = Array.isArray(value)
    ? value.map((item) => ['', item ?? null] as const)
    : Object.entries(value).flatMap(([name, item]) =>
        item === undefined ? [] : [[`${JSON.stringify(name)}: `, item] as const],
      );
  return items.length === 0 ? null : items;
}

/** @throws InputError when the file is missing or is not JSON. */
export function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return parseJson(text);
  } catch (error) {
    throw notJson(path, text === '' ? 'it is empty' : messageOf(error));
  }
}

/** The error of a file, or of a value in it, that is not JSON. */
export const notJson = (where: string, why: string): InputError =>
  new InputError({
    where,
    problem: `not valid JSON (${why})`,
    remedy: 'Mend the file, or put a whole one in its place',
  });

export type JsonRow = Record<string, unknown>;

/**
 * All rows of a JSONL file (`.gz` is unpacked). Blank lines are skipped.
 * @throws InputError naming `file:line` on anything that is not a JSON object.
 */
export const readJsonl = (path: string): JsonRow[] => [...rowsOf(fileLines(path), path)];

/**
 * The same one row after the other, without a last line that has no line break: a killed process was writing it, or
 * it is being written.
 * @param isWanted Rows that are given, by their place from 0 on; others are not parsed.
 */
export const wholeRows = (path: string, isWanted?: (place: number) => boolean) =>
  rowsOf(wholeLines(path), path, isWanted);

function* rowsOf(
  lines: Iterable<string>,
  path: string,
  isWanted: (place: number) => boolean = () => true,
): Generator<JsonRow> {
  let [number, place] = [0, 0];
  for (const line of lines) {
    number++;
    if (line.trim() !== '' && isWanted(place++)) yield parseRow(line, `${path}:${number}`);
  }
}

/** Bytes or characters that are read or written at once: a large set is longer than one text can be. */
const PIECE = 1 << 22;

/**
 * Lines of a text file, without their breaks; the last one may be empty. A file that ends in `.gz`, in any case,
 * is unpacked.
 * @throws InputError when it is missing, or naming the line that is not UTF-8
 */
export function* fileLines(path: string): Generator<string> {
  let number = 1;
  for (const bytes of lineBytes(path)) yield textOf(bytes, path, number++);
}

/** A text file in pieces of whole lines, which joined are its text. @throws as `fileLines` */
export function* fileTexts(path: string): Generator<string> {
  let number = 1;
  for (const bytes of linesPieces(path)) {
    yield textOf(bytes, path, number);
    for (let at = bytes.indexOf(LINE_BREAK); at >= 0; at = bytes.indexOf(LINE_BREAK, at + 1))
      number++;
  }
}

function* linesPieces(path: string): Generator<Buffer> {
  let begun: Buffer[] = [];
  for (const piece of filePieces(path)) {
    const end = piece.lastIndexOf(LINE_BREAK) + 1;
    if (end > 0) {
      yield Buffer.concat([...begun, piece.subarray(0, end)]);
      begun = [];
    }
    begun.push(piece.subarray(end));
  }
  yield Buffer.concat(begun);
}

function* wholeLines(path: string): Generator<string> {
  let number = 1;
  let held: Buffer | null = null;
  for (const bytes of lineBytes(path)) {
    if (held !== null) yield textOf(held, path, number++);
    held = bytes;
  }
}

/** The last one may be empty. */
function* lineBytes(path: string): Generator<Buffer> {
  let begun: Buffer[] = [];
  for (const piece of filePieces(path)) {
    let start = 0;
    for (let end = piece.indexOf(LINE_BREAK); end >= 0; end = piece.indexOf(LINE_BREAK, start)) {
      yield Buffer.concat([...begun, piece.subarray(start, end)]);
      begun = [];
      start = end + 1;
    }
    begun.push(piece.subarray(start));
  }
  yield Buffer.concat(begun);
}

/** Bytes of a file, unpacked where it ends in `.gz`. @throws InputError when it is missing */
export function* filePieces(path: string): Generator<Buffer> {
  if (path.toLowerCase().endsWith('.gz')) {
    const bytes = readBytes(path);
    assertFetched(path, bytes);
    yield gunzipSync(bytes);
  } else {
    yield* bytePieces(path);
  }
}

function* bytePieces(path: string): Generator<Buffer> {
  const read = <T>(step: () => T): T => {
    try {
      return step();
    } catch (error) {
      throw notRead(path, error);
    }
  };
  const descriptor = read(() => openSync(path, 'r'));
  try {
    for (let isFirst = true; ; isFirst = false) {
      const piece = Buffer.allocUnsafe(PIECE);
      const count = read(() => readSync(descriptor, piece));
      if (isFirst) assertFetched(path, piece.subarray(0, count));
      if (count === 0) return;
      yield piece.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Takes a half-written last line off a file, where there is one. */
export function dropHalfLine(path: string): void {
  if (!existsSync(path)) return;
  const { size, end } = wholeLinesOf(path);
  if (end === size) return;
  writing(path, () => truncateSync(path, end));
}

/** Bytes of a file, and of the lines in it that have a line break; reads its end alone. */
function wholeLinesOf(path: string): { readonly size: number; readonly end: number } {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const { size } = fstatSync(descriptor);
      const piece = Buffer.allocUnsafe(Math.min(size, PIECE));
      for (let end = size; end > 0; ) {
        const start = Math.max(0, end - PIECE);
        const count = readSync(descriptor, piece, 0, end - start, start);
        const at = piece.subarray(0, count).lastIndexOf(LINE_BREAK);
        if (at >= 0) return { size, end: start + at + 1 };
        end = start;
      }
      return { size, end: 0 };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw notRead(path, error);
  }
}

const A_LIST = 'Every line must be one JSON object; a list of them belongs in a .json file';

/** A line of a JSONL file. @param where `file:line` @throws InputError where it is not a JSON object */
export function parseRow(line: string, where: string): JsonRow {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (error) {
    throw new InputError({
      where,
      problem: `not valid JSON (${messageOf(error)})`,
      remedy: line.trim() === '[' ? A_LIST : 'Every line must be one JSON object',
    });
  }
  if (isObject(value)) return value;
  const problem = `expected a JSON object, found ${line.slice(0, 40)}`;
  throw new InputError({ where, problem, ...(Array.isArray(value) && { remedy: A_LIST }) });
}

/** Rows as lines of JSONL. */
export function* jsonLines(rows: Iterable<unknown>): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}

export const toJsonl = (rows: Iterable<unknown>): string => [...jsonLines(rows)].join('');

/** Rows as a JSONL file, as `writeTexts`. */
export const writeJsonl = (path: string, rows: Iterable<unknown>): string =>
  writeTexts(path, jsonLines(rows));

/**
 * Texts one after the other as a file, whole or not at all. @returns SHA-256 of its bytes
 * @throws as `writeFileAtomic`
 */
export function writeTexts(path: string, texts: Iterable<string>): string {
  const hash = createHash('sha256');
  writePieces(path, (append) => {
    let held = '';
    const flush = () => {
      const bytes = Buffer.from(held);
      hash.update(bytes);
      append(bytes);
      held = '';
    };
    for (const text of texts) {
      held += text;
      if (held.length >= PIECE) flush();
    }
    flush();
  });
  return hash.digest('hex');
}

/** Of a file of any size: a buffer of Node holds no more than 2 GiB of one. @throws InputError when it is missing */
export const sha256OfFile = (path: string): string => sha256Of(bytePieces(path));

export const sha256 = (...chunks: readonly (string | Uint8Array)[]): string => sha256Of(chunks);

export function sha256Of(chunks: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
