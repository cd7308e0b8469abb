/** Lists read item by item are what `JSON.parse` makes of them at once, and what is no list is refused. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRowFile } from '../../../src/data/formats/index.js';
import { readJsonRows } from '../../../src/data/formats/json.js';
import { listItems } from '../../../src/data/formats/json-list.js';
import { writeTable } from '../../../src/report/index.js';
import { InputError } from '../../../src/util/errors.js';
import { writeJson } from '../../../src/util/files.js';
import { thrownBy } from '../../support/failures.js';
import { temporaryFolder } from '../../support/temporary.js';

function written(text: string): string {
  const path = join(temporaryFolder(), 'list.json');
  writeFileSync(path, text);
  return path;
}

/** Two bytes a letter, at an odd place, over the border of the pieces that are read. */
const LONG = `x${'é'.repeat(5 << 19)}`;

test.each([
  '[]',
  ' [\n ] \n',
  '\uFEFF[1]',
  '[ 1, "a,b", null , [2, [3]], {"a": [4, {"b": 5}]} ]\n',
  '[{"a": "]}[{"}, "\\"", "\\\\", {"\\\\\\"]": "\\\\\\","}, "[,"]',
  JSON.stringify([{ text: LONG }, 'ü', { text: LONG }], null, 2),
])('%.60j is read as at once', (text) => {
  expect([...listItems(written(text))]).toEqual(JSON.parse(text.replace('\uFEFF', '')));
});

test.each([
  ['', 'it is not one list'],
  ['{"a": [1]}', 'it is not one list'],
  ['1', 'it is not one list'],
  ['x [1]', 'it is not one list'],
  ['[1] [2]', 'it is not one list'],
  ['[1]]', 'it is not one list'],
  ['[1],', 'it is not one list'],
  ['[1, 2', 'the list does not end'],
  ['[1, "a]', 'the list does not end'],
  ['[1}', 'the list does not end'],
])('%j is no list', (text, why) => {
  const error = thrownBy(InputError, () => [...listItems(written(text))]);
  expect(error.message).toContain(`list.json: not valid JSON (${why})`);
});

test.each([
  ['[1, , 2]', 2],
  ['[1, 2, ]', 3],
  ['[,]', 1],
  ['[{"a": 1}, {"a": [1}]]', 2],
  ['[1, 2 3]', 2],
])('%j names the item', (text, item) => {
  const error = thrownBy(InputError, () => [...listItems(written(text))]);
  expect(error.message).toContain(`list.json:row ${item}: not valid JSON`);
});

test('a line that is not UTF-8 is named', () => {
  const path = join(temporaryFolder(), 'list.json');
  writeFileSync(path, Buffer.from('[\n1,\n"\xff"]', 'latin1'));
  const error = thrownBy(InputError, () => [...listItems(path)]);
  expect(error.message).toContain('list.json:3: the text is not UTF-8');
});

test.each([
  ['[{"a" 1}, "\xff"]', 'list.json:row 1: not valid JSON'],
  ['\xef\xbb\xbf {"a": 1}\n{"a": 2}', 'list.json: it has one object a line, which is JSONL'],
  ['{\n"data": [{}]}', 'list.json: expected a list of objects. One object a line belongs in a'],
  ['\n"a"', 'list.json: not valid JSON (it is not one list)'],
])('a file longer than is read at once, %j, is told by its own error', (text, why) => {
  const path = join(temporaryFolder(), 'list.json');
  writeFileSync(path, Buffer.from(text, 'latin1'));
  expect(thrownBy(InputError, () => readJsonRows(path, 1)).message).toContain(why);
});

test('rows that were written as JSON or CSV are read back where they are longer than one text', async () => {
  const rows = Array.from({ length: 513 }, (_, i) => ({ i: `${i}`, text: 'a'.repeat(1 << 20) }));
  const [json, csv] = ['rows.json', 'rows.csv'].map((name) => join(temporaryFolder(), name)) as [
    string,
    string,
  ];
  writeJson(json, rows);
  writeTable(csv, rows);
  for (const path of [json, csv]) {
    expect(statSync(path).size).toBeGreaterThan(1 << 29);
    const read = (await readRowFile(path)).rows;
    expect(read.length).toBe(rows.length);
    expect(read.every(({ i, text }, at) => i === rows[at]?.i && text === rows[at]?.text)).toBe(
      true,
    );
  }
}, 300_000);
