/** Loading rows by name, file, folder and hub id, with columns, shuffles, malformed rows and provenance. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadRows, NAMED_DATASETS } from '../../../src/data/index.js';
import { type JsonRow, toJsonl } from '../../../src/util/files.js';
import { type LoopbackHub, startLoopbackHub } from '../../support/loopback-hub.js';
import { dataPath, hasData, NEEDS_DATA } from '../../support/real-data.js';
import { temporaryFolder } from '../../support/temporary.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures/data');
let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

function write(name: string, rows: readonly JsonRow[]): string {
  const path = join(folder, name);
  writeFileSync(path, toJsonl(rows));
  return path;
}

const problems = (count: number): JsonRow[] =>
  Array.from({ length: count }, (_, i) => ({ question: `q${i}`, answer: `w\n#### ${i}` }));

describe('a file', () => {
  it('gives rows with provenance', async () => {
    const path = write('rows.jsonl', problems(3));
    const { rows, where, provenance } = await loadRows(path);
    expect(rows[2]).toEqual({ question: 'q2', reasoning: 'w', answer: '2' });
    expect(where(2)).toBe(`${path}:3`);
    expect(provenance).toEqual({
      kind: 'file',
      source: path,
      split: 'train',
      paths: [path],
      revision: null,
      commit: null,
      sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
      total: 3,
      dropped: 0,
      firstDropped: null,
      count: 3,
    });
  });

  it('that is a pipe or a device is asked for its ending', async () => {
    await expect(loadRows('/dev/null')).rejects.toThrow(
      /^\/dev\/null: not a file of rows\. Its name must end in/,
    );
  });

  it('maps columns and keeps the others', async () => {
    const path = write('rows.jsonl', [{ q: 'one?', a: 'yes', id: 4 }]);
    const columns = { question: 'q', answer: 'a' };
    const { rows } = await loadRows(path, { columns });
    expect(rows).toEqual([{ id: 4, question: 'one?', answer: 'yes' }]);
    await expect(loadRows(path, { columns: { question: 'Q' } })).rejects.toThrow(
      `${path}:1: no column "Q" for question (it has q, a, id=4)`,
    );
    await expect(loadRows(path, { columns: { q: 'question' } })).rejects.toThrow(
      'no column "question" for q (it has q, a, id=4). Write columns={question: q}',
    );
  });

  it('swaps columns', async () => {
    const path = write('rows.jsonl', [{ a: 1, b: 2 }]);
    expect((await loadRows(path, { columns: { a: 'b', b: 'a' } })).rows).toEqual([{ a: 2, b: 1 }]);
  });

  it('shuffles by seed and takes num_samples after it; a smaller number is a beginning', async () => {
    const path = write('rows.jsonl', problems(50));
    const ids = async (shuffleSeed: number, numSamples: number) =>
      (await loadRows(path, { shuffleSeed, numSamples })).rows.map(({ question }) => question);
    const all = await ids(1, 50);
    expect(new Set(all).size).toBe(50);
    expect(all).not.toEqual((await loadRows(path)).rows.map(({ question }) => question));
    expect(await ids(1, 10)).toEqual(all.slice(0, 10));
    expect(await ids(2, 10)).not.toEqual(all.slice(0, 10));
    const { where, rows } = await loadRows(path, { shuffleSeed: 1, numSamples: 10 });
    expect(where(0)).toBe(`${path}:${Number(String(rows[0]?.question).slice(1)) + 1}`);
  });

  it('orders rows by the seed and their number, wherever the file lies', async () => {
    const order = async (path: string) =>
      (await loadRows(path, { shuffleSeed: 1 })).rows.map(({ question }) => question);
    const there = temporaryFolder();
    const copy = join(there, 'copy.jsonl');
    writeFileSync(copy, toJsonl(problems(50)));
    expect(await order(copy)).toEqual(await order(write('rows.jsonl', problems(50))));
  });

  it('names a malformed row, or drops it and counts', async () => {
    const path = write('rows.jsonl', [...problems(2), { question: 'q', answer: '#### none' }]);
    const problem = `${path}:3: its final answer "none" is not a number`;
    await expect(loadRows(path)).rejects.toThrow(problem);
    const { rows, provenance } = await loadRows(path, { malformed: 'drop' });
    expect(rows.length).toBe(2);
    expect(provenance).toMatchObject({ total: 3, dropped: 1, firstDropped: problem, count: 2 });
    expect((await loadRows(path, { format: 'plain' })).rows.length).toBe(3);
  });

  it('refuses a file without rows, and one that is not there', async () => {
    await expect(loadRows(write('none.jsonl', []))).rejects.toThrow(/none\.jsonl: it has no rows/);
    await expect(loadRows('data/none.jsonl')).rejects.toThrow(
      `data/none.jsonl: no such file of rows. Check the path, which starts at the current folder, ${process.cwd()}`,
    );
    await expect(loadRows('gsm9k')).rejects.toThrow(
      /dataset: "gsm9k" is no data set\. Give gsm8k, /,
    );
  });
});

describe('a folder', () => {
  it('takes the files of a split, shards in order', async () => {
    write('train.jsonl', problems(2));
    write('test-1.jsonl', problems(1));
    write('test-0.jsonl', problems(4));
    expect((await loadRows(folder)).provenance).toMatchObject({ kind: 'folder', count: 2 });
    const test = await loadRows(folder, { split: 'test' });
    expect(test.provenance.paths).toEqual([
      join(folder, 'test-0.jsonl'),
      join(folder, 'test-1.jsonl'),
    ]);
    expect(test.where(4)).toBe(`${join(folder, 'test-1.jsonl')}:1`);
    await expect(loadRows(folder, { split: 'valid' })).rejects.toThrow(/no file of split "valid"/);
    writeFileSync(join(folder, 'train.csv'), 'question,answer\nq,#### 1\n');
    await expect(loadRows(folder)).rejects.toThrow(
      /several files could be split "train" \(train\.jsonl, train\.csv\)/,
    );
  });
});

describe('a named data set', () => {
  it('comes from the data folder, and says which file is missing there', async () => {
    mkdirSync(join(folder, 'gsm8k'));
    write('gsm8k/test.jsonl', problems(2));
    const { provenance } = await loadRows('gsm8k', { split: 'test', dataFolder: folder });
    expect(provenance).toMatchObject({
      kind: 'local',
      count: 2,
      paths: [join(folder, 'gsm8k/test.jsonl')],
    });
    await expect(loadRows('gsm8k', { dataFolder: folder })).rejects.toThrow(
      /gsm8k: .*train\.jsonl\.gz is missing.*unset LORIKEET_DATA/,
    );
    await expect(loadRows('gsm8k', { split: 'dev', dataFolder: folder })).rejects.toThrow(
      'gsm8k: no split "dev". It has train, test',
    );
  });

  it('holds rows of GSM8K to their form', async () => {
    mkdirSync(join(folder, 'gsm8k'));
    const path = write('gsm8k/test.jsonl', [{ question: 'q', answer: 'just 4' }]);
    await expect(loadRows('gsm8k', { split: 'test', dataFolder: folder })).rejects.toThrow(
      `${path}:1: its answer has no "#### N"`,
    );
  });

  it('is generated where it is no file', async () => {
    const train = await loadRows('arithmetic', { numSamples: 3 });
    const again = await loadRows('arithmetic', { numSamples: 3 });
    expect(train).toMatchObject({
      rows: again.rows,
      provenance: { kind: 'generated', total: 4000 },
    });
    expect(train.rows[0]).toHaveProperty('reasoning');
    await expect(loadRows('arithmetic', { split: 'dev' })).rejects.toThrow(/no split "dev"/);
  });
});

describe('the hub', () => {
  let hub: LoopbackHub;
  beforeEach(async () => {
    const bytes = (split: string) => ({
      bytes: readFileSync(join(FIXTURES, `${split}-00000-of-00001.parquet`)),
      large: true,
    });
    hub = await startLoopbackHub({
      'datasets/openai/gsm8k': {
        commit: 'a'.repeat(40),
        files: {
          'main/train-00000-of-00001.parquet': bytes('train'),
          'main/test-00000-of-00001.parquet': bytes('test'),
          'socratic/train-00000-of-00001.parquet': bytes('test'),
        },
      },
    });
  });

  it('gives gsm8k from its Parquet files, and again offline', async () => {
    const load = (offline: boolean) =>
      loadRows('gsm8k', { dataFolder: null, hub: hub.options({ offline }) });
    const { rows, where, provenance } = await load(false);
    expect(rows[3]).toEqual({
      question: 'How many are 3 and 4?',
      reasoning: 'It is 3+4 = 7.',
      answer: '7',
    });
    expect(where(3)).toMatch(/train-00000-of-00001\.parquet:row 4$/);
    expect(provenance).toMatchObject({ kind: 'hub', commit: 'a'.repeat(40), count: 5 });
    await hub.close();
    expect((await load(true)).rows).toEqual(rows);
  });

  it('gives pubmedqa under our names, in which the hub calls the answer final_decision', async () => {
    // Columns of qiaojin/PubMedQA, pqa_labeled, by its card.
    const row = { pubid: 1, question: 'Is it?', long_answer: 'It is.', final_decision: 'yes' };
    const bytes = Buffer.from(toJsonl([row]));
    hub.repos['datasets/qiaojin/PubMedQA'] = {
      commit: 'b'.repeat(40),
      files: { 'pqa_labeled/train.jsonl': { bytes } },
    };
    const { rows } = await loadRows('pubmedqa', { hub: hub.options(), dataFolder: null });
    expect(rows).toEqual([{ pubid: 1, question: 'Is it?', long_answer: 'It is.', answer: 'yes' }]);
  });

  it('takes any id with its configuration', async () => {
    const load = (config: string) =>
      loadRows('openai/gsm8k', { config, hub: hub.options(), dataFolder: null });
    expect((await load('socratic')).rows.length).toBe(2);
    expect((await load('main')).rows.length).toBe(5);
  });

  it('says of an id that it does not have that it is no local folder either', async () => {
    const hubOptions = { endpoint: hub.endpoint, cacheDir: folder, token: null, offline: false };
    const load = loadRows('data/trian', { hub: hubOptions, dataFolder: null });
    await expect(load).rejects.toThrow(
      /^dataset: no local file or folder "data\/trian", and as a hub id: data\/trian/,
    );
    await expect(load).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe.skipIf(!hasData('gsm8k'))(`real files ${NEEDS_DATA}`, () => {
  const splits = Object.entries(NAMED_DATASETS).flatMap(([name, set]) =>
    set.kind === 'files' && !('isLarge' in set)
      ? set.splits.map((split) => [name, split, set.format] as const)
      : [],
  );
  it.each(splits)('%s %s loads whole', async (name, split, format) => {
    const { rows, provenance } = await loadRows(name, { split, dataFolder: dataPath() });
    expect(provenance.dropped).toBe(0);
    const isCompetition = format === 'competition';
    // Rows of a plain set keep their own columns.
    const columns = format === 'plain' ? [] : rows;
    expect(rows.length).toBeGreaterThanOrEqual(isCompetition ? 30 : 400);
    for (const { question, reasoning, answer } of columns) {
      expect(question && (isCompetition || reasoning) && answer).toBeTruthy();
    }
  });
});
