/** Row files: values by hand (or by pyarrow, scripts/golden/parquet_files.py), errors with file and line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { readRowFile } from '../../../src/data/formats/index.js';
import { streamParquetRows } from '../../../src/data/formats/parquet.js';
import { InputError } from '../../../src/util/errors.js';
import { rejectionOf } from '../../support/failures.js';
import { temporaryFolder } from '../../support/temporary.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures/data');
let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const failure = async (path: string): Promise<string> =>
  (await rejectionOf(InputError, readRowFile(path))).message.replace(folder, '');

describe('JSONL', () => {
  it('reads rows and knows their lines, plain and packed', async () => {
    const text = '{"a":1}\n\n{"a":"x\\u2028y"}\n';
    const plain = await readRowFile(file('rows.jsonl', text));
    const packed = await readRowFile(file('rows.jsonl.gz', gzipSync(text)));
    expect(plain.rows).toEqual([{ a: 1 }, { a: 'x\u2028y' }]);
    expect(packed.rows).toEqual(plain.rows);
    expect(plain.where(1)).toBe(join(folder, 'rows.jsonl:3'));
    expect(packed.where(0)).toBe(join(folder, 'rows.jsonl.gz:1'));
  });

  it('knows its packing by the end of its name in any case', async () => {
    const packed = await readRowFile(file('ROWS.JSONL.GZ', gzipSync('{"a":1}\n')));
    expect(packed.rows).toEqual([{ a: 1 }]);
    expect(packed.where(0)).toBe(join(folder, 'ROWS.JSONL.GZ:1'));
  });

  it('names file and line of a malformed row', async () => {
    expect(await failure(file('a.jsonl', '{"a":1}\n\n{"a":\n'))).toMatch(
      /^\/a\.jsonl:3: not valid JSON/,
    );
    expect(await failure(file('b.jsonl', '{}\n[1]\n'))).toMatch(
      /^\/b\.jsonl:2: expected a JSON object/,
    );
    const list = /\.jsonl:1: .* a list of them belongs in a \.json file$/;
    expect(await failure(file('c.jsonl', '[{"a":1}]'))).toMatch(list);
    expect(await failure(file('d.jsonl', '[\n{"a":1}\n]'))).toMatch(list);
  });

  it('names a packed file that is cut off', async () => {
    const bytes = gzipSync('{"a":1}\n'.repeat(100));
    expect(await failure(file('a.jsonl.gz', bytes.subarray(0, -6)))).toMatch(
      /^\/a\.jsonl\.gz: cannot be read/,
    );
  });
});

describe('JSON', () => {
  it('reads a list of objects', async () => {
    expect((await readRowFile(file('a.json', '[{"a":[1,null]},{}]'))).rows).toEqual([
      { a: [1, null] },
      {},
    ]);
  });
  it('refuses what is none', async () => {
    expect(await failure(file('a.json', '{"a":1}'))).toMatch(
      /^\/a\.json: expected a list of objects\. One object a line belongs in a \.jsonl file$/,
    );
    expect(await failure(file('c.json', '{"version":[],"data":[{"a":1}]}'))).toBe(
      '/c.json: expected a list of objects. The list under "data" is one: write it alone into a file',
    );
    expect(await failure(file('d.json', '{"a":1}\n{"a":2}\n'))).toBe(
      '/d.json: it has one object a line, which is JSONL. Let its name end in .jsonl',
    );
    expect(await failure(file('e.json', '[{"a":1},'))).toMatch(/^\/e\.json: not valid JSON/);
    expect(await failure(file('b.json', '[{}, 3]'))).toBe(
      '/b.json:row 2: expected an object, found 3',
    );
  });
});

describe('CSV', () => {
  it('reads quotes, commas, line breaks, a byte-order mark and CRLF', async () => {
    const text = '\ufeffquestion,answer\r\n"How many, ""in all""?","1\r\n2"\r\nplain,\r\n';
    const { rows, where } = await readRowFile(file('a.csv', text));
    expect(rows).toEqual([
      { question: 'How many, "in all"?', answer: '1\r\n2' },
      { question: 'plain', answer: '' },
    ]);
    expect(where(1)).toBe(join(folder, 'a.csv:row 2'));
  });

  it.each(['a.tsv', 'B.TSV'])('reads tabs in %s', async (name) => {
    expect((await readRowFile(file(name, 'a\tb\n1,5\tx\n'))).rows).toEqual([{ a: '1,5', b: 'x' }]);
  });

  it('names the row or line that does not fit', async () => {
    expect(await failure(file('a.csv', 'a,b\n1,2\n3,4,5\n'))).toBe(
      "/a.csv:row 2: 3 values for the header's 2 columns. Values with commas, quotes or line breaks need double quotes around them",
    );
    expect(await failure(file('b.csv', 'a,b\n1,2"3\n'))).toMatch(/^\/b\.csv:\d+: not valid CSV/);
    const open = 'not valid CSV: a quote opens here and is never closed';
    expect(await failure(file('q.csv', 'a,b\n1,2\n"3,4\n5,6\n'))).toContain(
      `/q.csv:row 2: ${open}`,
    );
    expect(await failure(file('h.csv', 'a,"b\n1,2\n'))).toContain(`/h.csv:1: ${open}`);
    expect(await failure(file('c.csv', 'a,a\n1,2\n'))).toMatch(
      /^\/c\.csv: the header names the column "a" twice/,
    );
    expect(await failure(file('d.csv', ''))).toBe('/d.csv: the file has no header');
    for (const [name, header, divider] of [
      ['s.csv', 'question;answer', ';'],
      ['t.csv', 'question\tanswer', '\\t'],
      ['c.tsv', 'question,answer', ','],
    ] as const) {
      expect(await failure(file(name, `${header}\n1\n`))).toBe(
        `/${name}: its header is one column, ${JSON.stringify(header)}: "${divider}" does not divide values here. Divide them by commas in a .csv file, by tabs in a .tsv file`,
      );
    }
    expect((await readRowFile(file('e.csv', 'a b\n1\n'))).rows).toEqual([{ 'a b': '1' }]);
  });
});

describe('Parquet', () => {
  const expected: unknown = JSON.parse(readFileSync(join(FIXTURES, 'types.json'), 'utf8'));

  it.each(['types-snappy.parquet', 'types-zstd.parquet'])(
    '%s equals what pyarrow wrote',
    async (name) => {
      expect((await readRowFile(join(FIXTURES, name))).rows).toEqual(expected);
    },
  );

  it('reads maps as objects', async () => {
    const { rows } = await readRowFile(join(FIXTURES, 'map.parquet'));
    expect(rows).toEqual([{ counts: { Key: 1, other: 2 } }]);
  });

  it('reads keys of maps that the file does not call text as their text', async () => {
    const path = join(FIXTURES, 'bytes-map.parquet');
    const expected = { counts: { Key: { hi: 'you' } } };
    expect((await readRowFile(path)).rows).toEqual([expected]);
    const { value } = await streamParquetRows(path).next();
    expect(value?.row).toEqual(expected);
  });

  it('names text that is not UTF-8, in a row and in what is nested there', async () => {
    for (const [name, from, where] of [
      ['types-snappy.parquet', 'What is', 'row 1: question'],
      ['types-snappy.parquet', 'Hi', 'row 1: messages: content'],
      ['map.parquet', 'Key', 'row 1: counts'],
      ['bytes-map.parquet', 'Key', 'row 1: counts'],
    ] as const) {
      const bytes = readFileSync(join(FIXTURES, name));
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from)) bytes[at] = 0xff;
      expect(await failure(file('a.parquet', bytes))).toBe(
        `/a.parquet:${where}: the text is not UTF-8. Write the column as UTF-8, or as bytes`,
      );
    }
  });

  it('names a file whose groups of rows do not fit what it says of itself', async () => {
    const damage = (bytes: Buffer, at: number, byte: number) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = byte;
      return damaged;
    };
    const bytes = readFileSync(join(FIXTURES, 'map.parquet'));
    // The first column's page is none, and the name of the second is another than the schema's.
    const columns = damage(damage(bytes, 4, 0xff), bytes.lastIndexOf('key_value'), 0x4b);
    expect(await failure(file('a.parquet', columns))).toBe(
      '/a.parquet: cannot be read as Parquet (a group of rows has not the columns of the file). Is the file whole?',
    );
    // Behind the schema in the footer: field 3, 1 row, in zigzag.
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    const rows = bytes.indexOf(Buffer.from([0x16, 2, 0x19]), footer) + 1;
    expect(await failure(file('b.parquet', damage(bytes, rows, 0x7e)))).toMatch(
      /^\/b\.parquet: cannot be read as Parquet \(63 rows in groups of 1\)/,
    );
  });

  it('names a file that is cut off or no Parquet', async () => {
    const bytes = readFileSync(join(FIXTURES, 'types-snappy.parquet'));
    expect(await failure(file('a.parquet', bytes.subarray(0, -20)))).toMatch(
      /^\/a\.parquet: cannot be read as Parquet/,
    );
    const middle = Buffer.from(bytes).fill(0, 40, 200);
    expect(await failure(file('b.parquet', middle))).toMatch(
      /^\/b\.parquet: cannot be read as Parquet/,
    );
    expect(await failure(file('c.parquet', 'question,answer'))).toMatch(
      /^\/c\.parquet: cannot be read/,
    );
    expect(await failure(join(folder, 'none.parquet'))).toBe('/none.parquet: no such file');
  });
});

it('refuses other endings', async () => {
  expect(await failure(file('a.txt', 'x'))).toMatch(
    /^\/a\.txt: not a file of rows\. Its name must end in \.jsonl/,
  );
});
