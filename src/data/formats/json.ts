/** Rows of a JSON file: one list of objects. */
import { constants } from 'node:buffer';
import { statSync } from 'node:fs';
import { InputError } from '../../util/errors.js';
import { fileLines, filePieces, readJson } from '../../util/files.js';
import { isObject, jsonIn } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';
import { type FileRows, rowLabel } from './file-rows.js';
import { listItems } from './json-list.js';

/**
 * @param longest Bytes of a file that is read at once
 * @throws InputError when the file is no list, or naming the row that is no object.
 */
export function readJsonRows(path: string, longest = constants.MAX_STRING_LENGTH): FileRows {
  const value = parsed(path, longest);
  if (!Array.isArray(value)) throw noList(path, value);
  const where = (index: number) => rowLabel(path, index);
  const bad = value.findIndex((row) => !isObject(row));
  if (bad >= 0) {
    throw new InputError({
      where: where(bad),
      problem: `expected an object, found ${shown(value[bad])}`,
    });
  }
  return { rows: value, where };
}

/** @throws InputError as `readJson` or `listItems`, or where the file is JSONL by another name */
function parsed(path: string, longest: number): unknown {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  try {
    return size > longest ? [...listItems(path)] : readJson(path);
  } catch (error) {
    // The one line of a list may be longer than one text can be.
    if (!beginsObject(path)) throw error;
    if (!beginsObjectLine(path)) throw size > longest ? noList(path, null) : error;
    throw new InputError({
      where: path,
      problem: 'it has one object a line, which is JSONL',
      remedy: 'Let its name end in .jsonl',
    });
  }
}

/** Of the byte-order mark, or blank. */
const isSkipped = (byte: number): boolean => byte <= 0x20 || [0xef, 0xbb, 0xbf].includes(byte);
const OBJECT = 0x7b;

function beginsObject(path: string): boolean {
  const [piece] = filePieces(path);
  return piece?.find((byte) => !isSkipped(byte)) === OBJECT;
}

function beginsObjectLine(path: string): boolean {
  try {
    const [first = ''] = fileLines(path);
    return isObject(jsonIn(first));
  } catch {
    return false;
  }
}

function noList(where: string, value: unknown): InputError {
  const named = Object.entries(isObject(value) ? value : {}).find(
    ([, list]) => Array.isArray(list) && list.length > 0 && list.every(isObject),
  );
  const remedy =
    named === undefined
      ? 'One object a line belongs in a .jsonl file'
      : `The list under "${named[0]}" is one: write it alone into a file`;
  return new InputError({ where, problem: 'expected a list of objects', remedy });
}
