/** Files written whole or not at all, and JSONL with errors that name file and line. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { writePieces } from './atomic-file.js';
import { InputError, messageOf } from './errors.js';
import { isObject } from './json-object.js';
import { readBytes, readText, textOf } from './utf8.js';

/**
 * Writes beside the target, syncs, renames: readers see the old file or the new one.
 * @throws InputError when its folder cannot be made, RunError when the file cannot be written
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  writePieces(path, (append) => append(typeof data === 'string' ? Buffer.from(data) : data));
}

export function writeJson(path: string, value: unknown): void {
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** @throws InputError when the file is missing or is not JSON. */
export function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError({ where: path, problem: `not valid JSON: ${messageOf(error)}` });
  }
}

export type JsonRow = Record<string, unknown>;

/**
 * All rows of a JSONL file (`.gz` is unpacked). Blank lines are skipped.
 * @throws InputError naming `file:line` on anything that is not a JSON object.
 */
export function readJsonl(path: string): JsonRow[] {
  return parseJsonl(readUnpacked(path), path);
}

/**
 * The text of a file; one that ends in `.gz`, in any case, is unpacked.
 * @throws InputError when it is missing or is not UTF-8
 */
export function readUnpacked(path: string): string {
  const bytes = readBytes(path);
  return textOf(path.toLowerCase().endsWith('.gz') ? gunzipSync(bytes) : bytes, path);
}

/** Rows of the text of a JSONL file, as `readJsonl` gives them. */
export function parseJsonl(text: string, path: string): JsonRow[] {
  const rows: JsonRow[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    rows.push(parseRow(line, `${path}:${index + 1}`));
  }
  return rows;
}

/** The lines of a file that have a line break: one without it is what a killed process was writing, or is being written. */
export const readWholeLines = (path: string): string => textOf(wholeLines(readBytes(path)), path);

const wholeLines = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf('\n') + 1);

/** Takes a half-written last line off a file, where there is one. */
export function dropHalfLine(path: string): void {
  if (!existsSync(path)) return;
  const bytes = readBytes(path);
  const whole = wholeLines(bytes);
  if (whole.length < bytes.length) writeFileAtomic(path, whole);
}

function parseRow(line: string, where: string): JsonRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new InputError({
      where,
      problem: `not valid JSON (${messageOf(error)})`,
      remedy: 'Every line must be one JSON object',
    });
  }
  if (isObject(value)) return value;
  throw new InputError({ where, problem: `expected a JSON object, found ${line.slice(0, 40)}` });
}

export function toJsonl(rows: Iterable<unknown>): string {
  let text = '';
  for (const row of rows) text += `${JSON.stringify(row)}\n`;
  return text;
}

export function sha256(...chunks: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
