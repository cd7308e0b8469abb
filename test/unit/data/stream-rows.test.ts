/** Large sets read as far as needed, cleaned, with what is left out counted. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { streamRowFile } from '../../../src/data/formats/stream.js';
import { readRowFile, streamRows } from '../../../src/data/index.js';
import { NAMED_DATASETS } from '../../../src/data/named.js';
import { toJsonl } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const problem = (text: string, answer: string) => ({
  problem: text,
  solution: `So \\boxed{${answer}}.`,
});

function dataFolder(name: string, text: string): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'train.jsonl.gz'), gzipSync(text));
  return folder;
}

const ROWS = [
  problem('What is 1+1?', '2'),
  { problem: 'Prove it.', solution: 'Clear.' },
  problem('what is 1 + 1', '2'),
  problem('[asy] draw(A); [/asy] Find x.', '3'),
  problem('  ', '3'),
  problem('What is 2+2?', '4'),
];

test('malformed rows and duplicates are left out and counted', async () => {
  const folder = dataFolder('numina_cot', toJsonl(ROWS));
  const options = { split: 'train', count: null, dataFolder: folder };
  const made = await streamRows('numina-cot', NAMED_DATASETS['numina-cot'], options);
  expect(made.rows).toEqual([
    { question: 'What is 1+1?', reasoning: 'So \\boxed{2}.', answer: '2' },
    { question: 'What is 2+2?', reasoning: 'So \\boxed{4}.', answer: '4' },
  ]);
  expect(made).toMatchObject({ read: 6, malformed: 3, duplicates: 1 });
  expect(made.firstMalformed).toMatch(
    /train\.jsonl\.gz:2: its solution has no \\boxed\{\} answer$/,
  );
});

test('no row behind the last one needed is looked at', async () => {
  const folder = dataFolder('numina_cot', `${toJsonl(ROWS.slice(0, 1))}not JSON\n`);
  const dataset = NAMED_DATASETS['numina-cot'];
  const take = (count: number) =>
    streamRows('numina-cot', dataset, { split: 'train', count, dataFolder: folder });
  expect(await take(1)).toMatchObject({ read: 1, rows: [{ answer: '2' }] });
  await expect(take(2)).rejects.toThrow(
    /train\.jsonl\.gz:2: not valid JSON .*\. Every line must be one JSON object/,
  );
});

test('a Parquet file that is cut off is named', async () => {
  const path = join(temporaryFolder(), 'train.parquet');
  writeFileSync(path, 'PAR1 and no more');
  await expect(streamRowFile(path).next()).rejects.toThrow(
    /train\.parquet: cannot be read as Parquet \(.*\)\. Is the file whole\?$/,
  );
});

test.each(['train.jsonl', 'train.jsonl.gz'])('a pointer of Git LFS is named: %s', async (name) => {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\n`);
  await expect(streamRowFile(path).next()).rejects.toThrow(
    `${path}: is a pointer of Git LFS in place of the file itself. Run git lfs pull`,
  );
});

test('the columns of OpenMathReasoning', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'openmath_reasoning'));
  const row = { problem: 'P', generated_solution: 'S', expected_answer: '7', problem_type: 't' };
  writeFileSync(join(folder, 'openmath_reasoning', 'tir.jsonl.gz'), gzipSync(toJsonl([row])));
  const dataset = NAMED_DATASETS['openmath-reasoning'];
  const options = { split: 'tir', count: null, dataFolder: folder };
  const made = await streamRows('openmath-reasoning', dataset, options);
  expect(made.rows).toEqual([{ question: 'P', reasoning: 'S', answer: '7', problem_type: 't' }]);
});

test('a streamed file has the rows of the file read whole', async () => {
  const folder = temporaryFolder();
  // A byte-order mark, an empty line, breaks that JSON allows within a text, and no break at the end.
  const long = `${'{"text":"'}${'é'.repeat(50_000)}\u2028\u2029\u0085"}`;
  const text = `\uFEFF${toJsonl(ROWS).replace('\n', '\r\n\r\n')}${long}`;
  writeFileSync(join(folder, 'a.jsonl'), text);
  writeFileSync(join(folder, 'a.json'), JSON.stringify(ROWS));
  const parquet = fileURLToPath(new URL('../../fixtures/data/types-zstd.parquet', import.meta.url));
  for (const path of [join(folder, 'a.jsonl'), join(folder, 'a.json'), parquet]) {
    const whole = await readRowFile(path);
    const streamed = [];
    for await (const each of streamRowFile(path)) streamed.push(each);
    expect(streamed).toEqual(whole.rows.map((row, index) => ({ row, where: whole.where(index) })));
  }
  await expect(streamRowFile(join(folder, 'none.jsonl')).next()).rejects.toThrow('cannot be read');
});
