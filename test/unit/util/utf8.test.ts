/** Text that is not UTF-8 is refused with its line, and never read as something else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readRowFile } from '../../../src/data/index.js';
import { readJson, readJsonl } from '../../../src/util/files.js';
import { readText } from '../../../src/util/utf8.js';
import { temporaryFolder } from '../../support/temporary.js';

const folder = temporaryFolder();
const file = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const latin1 = (text: string) => Buffer.from(text, 'latin1');

it('of any reader names the line', async () => {
  const rows = '{"a":"cafe"}\n{"a":"café"}\n';
  const expected = (name: string) =>
    `${join(folder, name)}:2: the text is not UTF-8. Save the file as UTF-8`;
  expect(() => readText(file('a.txt', latin1('a\ncafé')))).toThrow(expected('a.txt'));
  expect(() => readJsonl(file('a.jsonl', latin1(rows)))).toThrow(expected('a.jsonl'));
  const packed = file('a.jsonl.gz', gzipSync(latin1(rows)));
  expect(() => readJsonl(packed)).toThrow(expected('a.jsonl.gz'));
  expect(() => readJson(file('a.json', latin1('[\n"é"]')))).toThrow(expected('a.json'));
  const table = file('a.csv', latin1('question,answer\nWie groß?,1\n'));
  await expect(readRowFile(table)).rejects.toThrow(expected('a.csv'));
});

it('UTF-16 is called so', () => {
  const path = file('wide.jsonl', Buffer.from('\ufeff{"a":1}\n', 'utf16le'));
  expect(() => readJsonl(path)).toThrow(`${path}: the text is UTF-16. Save the file as UTF-8`);
});

it('a file that gzip has packed is called so', () => {
  const path = file('rows.jsonl', gzipSync('{"a":1}\n'));
  expect(() => readJsonl(path)).toThrow(
    `${path}: the file is packed by gzip. Unpack it, or let its name end in .gz`,
  );
});

it('a file that is missing, or a folder, is said to be so', () => {
  expect(() => readText(join(folder, 'none'))).toThrow(/none: no such file$/);
  expect(() => readText(folder)).toThrow(/: is a folder, expected a file$/);
  expect(() => readJsonl(folder)).toThrow(/: is a folder, expected a file$/);
});
