/** Rows of a JSON file: one list of objects. */
import { InputError } from '../../util/errors.js';
import { readJson } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';
import { type FileRows, rowLabel } from './file-rows.js';

/** @throws InputError when the file is no list, or naming the row that is no object. */
export function readJsonRows(path: string): FileRows {
  const value = readJson(path);
  if (!Array.isArray(value)) {
    throw new InputError({
      where: path,
      problem: 'expected a list of objects',
      remedy: 'One object a line belongs in a .jsonl file',
    });
  }
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
