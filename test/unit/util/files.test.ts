/** JSONL of any length: lines over the borders of the pieces that are read, and what is written. */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  dropHalfLine,
  fileLines,
  readJson,
  readJsonl,
  sha256OfFile,
  toJsonl,
  writeJson,
  writeJsonl,
} from '../../../src/util/files.js';
import { readSafetensors } from '../../../src/weights/index.js';
import { temporaryFolder } from '../../support/temporary.js';

/** Two bytes a letter, at odd places: 5 MiB and 9 MiB are more than one piece and more than two. */
const LONG = [5, 9].map((mib) => ({ text: `x${'é'.repeat(mib << 19)}` }));
const ROWS = [{ text: 'a' }, ...LONG, { text: 'ü' }, ...LONG];

test('rows come back as they were written, with the hash of the file', () => {
  const path = join(temporaryFolder(), 'rows.jsonl');
  const hash = writeJsonl(path, ROWS);
  const bytes = readFileSync(path);
  expect(hash).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(bytes.equals(Buffer.from(toJsonl(ROWS)))).toBe(true);
  expect(sha256OfFile(path)).toBe(hash);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 1 }));
  for (const file of [path, `${path}.gz`]) {
    const rows = readJsonl(file);
    expect(rows.length).toBe(ROWS.length);
    expect(rows.every(({ text }, i) => text === ROWS[i]?.text)).toBe(true);
  }
});

test.each([
  [[]],
  [{}],
  [[{ a: 1, b: [1, { c: 'x\ny' }], none: undefined }, null, [], {}, [undefined, [2]]]],
  [{ 'a"b': [{ c: [] }, 'ü\u2028'], d: { e: { f: { g: 1 } } }, none: undefined, at: new Date(0) }],
  ['a\nb'],
  [1.5],
])('JSON of %j is written as it is made at once', (value) => {
  const path = join(temporaryFolder(), 'value.json');
  writeJson(path, value);
  expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(value, null, 2)}\n`);
});

test('JSON of many items may be longer than one text', () => {
  const path = join(temporaryFolder(), 'long.json');
  const text = 'a'.repeat(1 << 20);
  const examples = Array.from({ length: 513 }, () => ({ text }));
  writeJson(path, { n: 1, examples });
  const around = JSON.stringify({ n: 1, examples: examples.map(() => ({ text: '' })) }, null, 2);
  expect(statSync(path).size).toBe(around.length + 1 + 513 * text.length);
});

test('a file without rows is an empty file', () => {
  const path = join(temporaryFolder(), 'none.jsonl');
  expect(writeJsonl(path, [])).toBe(createHash('sha256').digest('hex'));
  expect(readFileSync(path).length).toBe(0);
  expect(readJsonl(path)).toEqual([]);
});

test.each([
  ['a\n\nb', ['a', '', 'b']],
  ['a\r\nb\n', ['a\r', 'b', '']],
  ['', ['']],
])('lines of %j', (text, lines) => {
  const path = join(temporaryFolder(), 'lines.txt');
  writeFileSync(path, text);
  expect([...fileLines(path)]).toEqual(lines);
});

test('a byte-order mark and blank lines are no rows, and lines are counted with them', () => {
  const path = join(temporaryFolder(), 'rows.jsonl');
  writeFileSync(path, '\uFEFF{"a": 1}\n\n  \n{"a": 2}\nnot JSON\n');
  expect(() => readJsonl(path)).toThrow(`${path}:5: not valid JSON`);
  writeFileSync(path, '\uFEFF{"a": 1}\n\n  \n{"a": 2}\n');
  expect(readJsonl(path)).toEqual([{ a: 1 }, { a: 2 }]);
});

test.each([
  ['{"a": 1', /Expected ',' or '}'.*\)\. Mend the file, or put a whole one in its place$/],
  ['', /not valid JSON \(it is empty\)\. Mend the file/],
])('%j is no JSON, and what to do', (text, message) => {
  const path = join(temporaryFolder(), 'tokenizer.json');
  writeFileSync(path, text);
  expect(() => readJson(path)).toThrow(message);
});

test('JSON in which values nest without end is refused, and 1000 levels are read', () => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const path = join(temporaryFolder(), 'deep.jsonl');
  writeFileSync(path, `${nested(1000)}\n${nested(100_000)}\n`);
  const why = 'not valid JSON (nested deeper than 1000 levels)';
  expect(() => readJsonl(path)).toThrow(`${path}:2: ${why}`);
  truncateSync(path, nested(1000).length);
  expect(JSON.stringify(readJsonl(path))).toBe(`[${nested(1000)}]`);
  expect(readJson(path)).toEqual(readJsonl(path)[0]);
  const [wide, mixed] = [`{"a":[${'[],'.repeat(2000)}"["]}`, `{"a":"${'[{'.repeat(2000)}"}`];
  writeFileSync(path, `${wide}\n${mixed}\n`);
  expect(JSON.stringify(readJsonl(path))).toBe(`[${wide},${mixed}]`);
  writeFileSync(path, nested(1001));
  expect(() => readJson(path)).toThrow(`${path}: ${why}`);
});

test('a pointer that Git LFS has left in place of a file is called one', () => {
  const pointer =
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n';
  for (const [name, read] of [
    ['tokenizer.json', readJson],
    ['rows.jsonl', readJsonl],
    ['rows.jsonl.gz', readJsonl],
    ['model.safetensors', readSafetensors],
  ] as const) {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, pointer);
    expect(() => read(path)).toThrow(
      `${path}: is a pointer of Git LFS in place of the file itself`,
    );
  }
});

test('a half-written line is taken off a file of any size, whole ones stay', () => {
  const path = join(temporaryFolder(), 'rows.jsonl');
  const after = (text: string) => {
    writeFileSync(path, text);
    dropHalfLine(path);
    return readFileSync(path, 'utf8');
  };
  expect(after('{"a":1}\n{"a"')).toBe('{"a":1}\n');
  expect(after('{"a":1}\n')).toBe('{"a":1}\n');
  expect(after('{"a"')).toBe('');
  expect(after('')).toBe('');
  // A file with a hole: no buffer holds 3 GiB.
  truncateSync(path, 3 * 2 ** 30);
  appendFileSync(path, `\n${'x'.repeat(5 << 20)}`);
  dropHalfLine(path);
  expect(statSync(path).size).toBe(3 * 2 ** 30 + 1);
});
