import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareSchema, loadConfig, pairsSchema } from '../../../src/config/index.js';
import { runCompare } from '../../../src/recipes/compare.js';
import { runPairs } from '../../../src/recipes/pairs.js';
import { toJsonl } from '../../../src/util/files.js';
import { call } from '../../support/call.js';
import { SILENT } from '../../support/context.js';
import { temporaryFolder } from '../../support/temporary.js';
import { writeRunRecord } from './run-record.js';

const dir = temporaryFolder();

it.each([
  [[], /rows\.jsonl: there is no row in it$/],
  [
    [
      { prompt_id: '0', prompt: 'a', completion: 'b', reward: null, correct: false },
      { prompt_id: '0', prompt: 'a', completion: 'c', reward: null, correct: false },
    ],
    /no pairs: none of its rows \(2\) has a reward\. Grade them first/,
  ],
  [
    [{ prompt_id: '0', prompt: 'a', completion: 'b', reward: 1, correct: true }],
    /no pairs of 1 prompt: single 1\. Sample more/,
  ],
])('pairs of %j are refused with the reason', async (rows, message) => {
  const input = join(dir, 'rows.jsonl');
  writeFileSync(input, toJsonl(rows));
  const overrides = [`input=${input}`, `output=${join(dir, 'pairs.jsonl')}`];
  await expect(runPairs(loadConfig(pairsSchema, { overrides }), SILENT)).rejects.toThrow(message);
});

it('a row that is none is named by its line, blank lines counted', async () => {
  const input = join(dir, 'blank.jsonl');
  writeFileSync(input, '\n{"completion":"a","reward":1}\n\n{"completion":"b"}\n');
  const overrides = [`input=${input}`, `output=${join(dir, 'pairs.jsonl')}`];
  await expect(runPairs(loadConfig(pairsSchema, { overrides }), SILENT)).rejects.toThrow(
    `${input}:4: a row needs completion (text) and reward (number or null)`,
  );
});

it.each(['auto', 'score'])(
  'method=%s takes a reward or a column that has numbers, and no other',
  async (method) => {
    const input = join(dir, 'scored.jsonl');
    const row = { prompt_id: '0', prompt: 'a', rewards: { format: 1 }, index: 7 };
    const [right, wrong] = [
      { ...row, completion: 'b', reward: 2, correct: true },
      { ...row, completion: 'c', reward: 1, correct: false, rewards: { format: 0 } },
    ];
    writeFileSync(input, toJsonl([right, wrong]));
    const made = (score: string) => {
      const output = `output=${join(dir, `${method}-${score}.jsonl`)}`;
      const overrides = [`input=${input}`, output, `method=${method}`, `score=${score}`];
      return runPairs(loadConfig(pairsSchema, { overrides }), SILENT);
    };
    expect(await made('format')).toMatchObject({ pairs: 1 });
    await expect(made('fromat')).rejects.toThrow(
      `score: "fromat" is a number in no row of ${input}. Numbers are index, reward, format`,
    );
  },
);

it('rows that have no number at all are to be graded first', async () => {
  const input = join(dir, 'ungraded.jsonl');
  writeFileSync(input, toJsonl([{ prompt: 'a', completion: 'b', reward: null }]));
  const overrides = [`input=${input}`, `output=${join(dir, 'pairs.jsonl')}`, 'score=format'];
  await expect(runPairs(loadConfig(pairsSchema, { overrides }), SILENT)).rejects.toThrow(
    `score: "format" is a number in no row of ${input}. Grade them first: generate with rewards, or lorikeet grade`,
  );
});

it('compare names an input that is not there, wherever it stands', async () => {
  const inputs = `inputs=["${dir}","${join(dir, 'none')}"]`;
  const config = loadConfig(compareSchema, { overrides: [inputs] });
  await expect(runCompare(config, SILENT)).rejects.toThrow(/^inputs: no ".*none"$/);
});

it('compare names the key of a file that exists', async () => {
  const table = join(dir, 'table.csv');
  writeFileSync(table, '');
  const config = loadConfig(compareSchema, {
    overrides: [`inputs=["${dir}","${dir}"]`, `table=${table}`],
  });
  await expect(runCompare(config, SILENT)).rejects.toThrow(/^table: the file .* or another table$/);
});

it('compare gives accuracies by strategy as text and as cells, and says where the file is', async () => {
  const folders = ['greedy', 'tir'].map((strategy, right) => {
    const run = join(temporaryFolder(), strategy);
    mkdirSync(run);
    const results = { eval_size: 4, accuracy: right / 4 };
    writeRunRecord(run, { command: 'eval', config: { benchmark: 'math', strategy }, results });
    return run;
  });
  const words = (name: string) => ['compare', ...folders, `table=${join(folders[0]!, name)}`];
  const { out, err } = await call(words('a.csv'));
  expect(out).toMatch(/\nbenchmark +n +greedy +tir\n.*\nmath +4 +0\.0% +25\.0%$/);
  expect(err).toBe(`table in ${join(folders[0]!, 'a.csv')}`);
  expect(JSON.parse((await call([...words('b.csv'), '--json'])).out).strategies).toEqual({
    header: ['benchmark', 'n', 'greedy', 'tir'],
    rows: [['math', 4, 0, 0.25]],
  });
});

it('compare prints its tables on standard output, or their cells as one line', async () => {
  const files = ['a.csv', 'b.csv'].map((name, right) => {
    const rows = [0, 1, 2, 3].map((i) => `${i},q${i},${i <= right}`);
    writeFileSync(join(dir, name), `index,question,correct\n${rows.join('\n')}\n`);
    return join(dir, name);
  });
  const text = await call(['compare', ...files]);
  expect(text).toMatchObject({ code: 0, err: '' });
  expect(text.out).toMatch(/^a +b +examples +share a +share b/);
  expect(text.out).toContain('25.0%');
  const { runs, strategies, paired } = JSON.parse(
    (await call(['compare', ...files, '--json'])).out,
  );
  expect([runs, strategies]).toEqual([null, null]);
  expect(paired).toMatchObject([{ examples: 4, share_a: 0.25, share_b: 0.5, only_b: 1 }]);
});

it('compare makes a page of files of rows: paired differences, and what only one has right', async () => {
  const [a, b] = [0, 1].map((right) => {
    const file = join(dir, `page-${right}.jsonl`);
    const rows = [0, 1, 2].map((i) => ({
      index: i,
      question: `q${i}`,
      completion: `<b>${right}.${i}</b>`,
      gold: '7',
      correct: i <= right,
    }));
    writeFileSync(file, toJsonl(rows));
    return file;
  });
  const output = join(dir, 'page.html');
  const called = await call(['compare', a!, b!, `output=${output}`]);
  expect(called.code).toBe(0);
  const html = readFileSync(output, 'utf8');
  // One of three examples changed: Agresti and Min's interval is 1/5 ± 1.96·√(2 − 1/5)/5.
  expect(html).toContain('>33.3%</td>');
  expect(html).toContain('>-32.6% – 72.6%</td>');
  expect(html).toMatch(/aria-label="[^"]*page-1\.jsonl: 33\.3%, interval -32\.6% to 72\.6%"/);
  expect(html).toContain('<pre>&lt;b&gt;0.1&lt;/b&gt;</pre>');
  expect(html).toContain('<pre>&lt;b&gt;1.1&lt;/b&gt;</pre>');
  expect(html).not.toContain('1.0&lt;/b&gt;');
  expect(html).toContain('All 2; the rows are in the inputs.');
});

it('an output in a folder that cannot be made is refused before the rows are read', async () => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  const overrides = [`input=${join(dir, 'none.jsonl')}`, `output=${join(file, 'pairs.jsonl')}`];
  const config = loadConfig(pairsSchema, { overrides });
  await expect(runPairs(config, SILENT)).rejects.toThrow(`${file}: is a file, not a folder`);
});

it('compare reads rows of results as they stand, also answers that hold the mark of GSM8K', async () => {
  const file = join(dir, 'marked.jsonl');
  writeFileSync(file, toJsonl([{ id: 1, question: 'q', answer: '#### 0/7', correct: true }]));
  const called = await call(['compare', file, file, '--json']);
  expect(called).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(called.out)).toMatchObject({ paired: [{ examples: 1, share_a: 1 }] });
});
