/** `lorikeet data`: files, statistics, folders in use, splits without overlap. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type DataConfig, dataSchema } from '../../../src/config/index.js';
import { loadRows } from '../../../src/data/index.js';
import { runData } from '../../../src/recipes/data.js';
import { readJson, readJsonl, toJsonl } from '../../../src/util/files.js';
import { logInto } from '../../support/context.js';
import { temporaryFolder } from '../../support/temporary.js';

let folder: string;
const lines: string[] = [];
const context = logInto(lines);

beforeEach(() => {
  folder = temporaryFolder();
});

function config(more: Readonly<Record<string, unknown>> = {}): DataConfig {
  return dataSchema.parse({
    name: 'arithmetic',
    output_dir: join(folder, 'out'),
    train_samples: 40,
    test_samples: 10,
    seed: 1,
    ...more,
  });
}

const read = (name: string) => readJsonl(join(folder, 'out', name));

describe('runData arithmetic', () => {
  it('writes the splits in the form of GSM8K, and statistics', async () => {
    const result = await runData(config({ valid_samples: 5 }), context);
    expect(result).toEqual({
      output_dir: join(folder, 'out'),
      rows: { train: 40, valid: 5, test: 10 },
    });
    expect(readdirSync(join(folder, 'out')).sort()).toEqual([
      'dataset_stats.json',
      'test.jsonl',
      'train.jsonl',
      'valid.jsonl',
    ]);
    expect(read('train.jsonl')[0]?.answer).toMatch(/^\d+[-+]\d+.*\n\n#### \d+$/);
    const stats = readJson(join(folder, 'out', 'dataset_stats.json'));
    expect(stats).toMatchObject({ name: 'arithmetic', seed: 1, splits: { train: { rows: 40 } } });
    const { splits } = stats as {
      splits: { train: { counts: { style: Record<string, number> } } };
    };
    const styles = Object.values(splits.train.counts.style).reduce((a, b) => a + b);
    expect(styles).toBe(40);
    expect((await loadRows(join(folder, 'out'), { split: 'test' })).rows[0]).toHaveProperty(
      'reasoning',
    );
  });

  it('passes the shape of the set on', async () => {
    const arithmetic = { max_operand: 9, careful_share: 1, subtract_share: 0 };
    await runData(config({ arithmetic }), context);
    for (const row of read('train.jsonl')) {
      expect(row).toMatchObject({ style: 'careful', operation: 'add', level: 'easy' });
    }
  });

  it('writes the same bytes for the same seed, and leaves out splits not asked for', async () => {
    await runData(config(), context);
    const first = read('train.jsonl');
    await runData(config({ overwrite: true }), context);
    expect(read('train.jsonl')).toEqual(first);
    expect(existsSync(join(folder, 'out', 'valid.jsonl'))).toBe(false);
  });
});

describe('an output folder in use', () => {
  it('by another call is refused', async () => {
    const calls = [1, 2].map((seed) => runData(config({ seed }), context));
    const ends = await Promise.allSettled(calls);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((ends[1] as PromiseRejectedResult).reason.message).toMatch(
      /^output_dir: process \d+ on .* is writing .*out\/dataset_stats\.json\. Wait for it, choose another/,
    );
    expect(readJson(join(folder, 'out', 'dataset_stats.json'))).toMatchObject({ seed: 1 });
  });

  it('loses what a killed call was writing', async () => {
    mkdirSync(join(folder, 'out'));
    const left = ['train.jsonl', 'dataset_stats.json', 'mine.txt'].map((name) =>
      join(folder, 'out', `${name}.99999999.0a1b2c3d.part`),
    );
    for (const path of left) writeFileSync(path, '{');
    await runData(config({}), context);
    expect(left.map((path) => existsSync(path))).toEqual([false, false, true]);
  });

  it('is refused, and replaced with overwrite=true without touching other files', async () => {
    await runData(config({ valid_samples: 5 }), context);
    writeFileSync(join(folder, 'out', 'mine.txt'), 'x');
    const before = read('train.jsonl');
    await expect(runData(config({ seed: 2 }), context)).rejects.toThrow(
      /output_dir: .*out is in use \(it has dataset_stats\.json\)\. .*overwrite=true/,
    );
    expect(read('train.jsonl')).toEqual(before);
    await runData(config({ seed: 2, overwrite: true }), context);
    expect(read('train.jsonl')).not.toEqual(before);
    expect(existsSync(join(folder, 'out', 'mine.txt'))).toBe(true);
    expect(existsSync(join(folder, 'out', 'valid.jsonl'))).toBe(false);
  });

  it('is refused before anything is made where none can be', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(runData(config({ output_dir: join(file, 'out') }), context)).rejects.toThrow(
      `${file}: is a file, not a folder. Choose another place`,
    );
  });

  it('is not emptied by a run that fails', async () => {
    await runData(config(), context);
    const before = read('train.jsonl');
    const bad = config({ overwrite: true, arithmetic: { max_operand: 9 }, train_samples: 90_000 });
    await expect(runData(bad, context)).rejects.toThrow(/only about \d+ different questions/);
    expect(read('train.jsonl')).toEqual(before);
  });

  it('may hold other files', async () => {
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'out', 'notes.txt'), 'x');
    expect((await runData(config(), context)).rows).toEqual({ train: 40, test: 10 });
  });
});

describe('keys that a set does not read', () => {
  it.each([
    ['arithmetic', { optimize: true }, 'optimize'],
    ['arithmetic', { medical: { filter: 'x' } }, 'medical.filter'],
    ['gsm8k', { arithmetic: { level_shares: { easy: 1 } } }, 'arithmetic.level_shares.easy'],
    ['factorization', { train_samples: 5 }, 'train_samples'],
    ['medical', { valid_samples: 5 }, 'valid_samples'],
    ['contamination', { test_samples: 5 }, 'test_samples'],
    ['tir-check', { num_workers: 2 }, 'num_workers'],
    ['genselect', { valid_samples: 5 }, 'valid_samples'],
  ])('%s refuses %j', async (name, keys, where) => {
    const given = dataSchema.parse({ name, output_dir: join(folder, 'out'), ...keys });
    await expect(runData(given, context)).rejects.toThrow(
      `${where}: the set ${name} does not read it. Leave it out; ${name} reads `,
    );
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});

describe('runData of a large set', () => {
  const large = { name: 'numina-cot', train_samples: null, test_samples: null };
  const rows = [{ problem: 'What is 1+1?', solution: 'So \\boxed{2}.' }];
  const write = (split: string, text: string) =>
    writeFileSync(join(folder, 'data', 'numina_cot', `${split}.jsonl.gz`), gzipSync(text));

  beforeEach(() => {
    mkdirSync(join(folder, 'data', 'numina_cot'), { recursive: true });
    write('train', toJsonl(rows));
    write('test', toJsonl(rows));
    vi.stubEnv('LORIKEET_DATA', join(folder, 'data'));
  });

  it('leaves nothing of the set that was there', async () => {
    await runData(config({ valid_samples: 5 }), context);
    await runData(config({ ...large, overwrite: true }), context);
    const files = ['dataset_stats.json', 'test.jsonl', 'train.jsonl'];
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(files);
    expect(read('train.jsonl')).toEqual([
      { question: 'What is 1+1?', reasoning: 'So \\boxed{2}.', answer: '2' },
    ]);
  });

  it('changes nothing where it fails', async () => {
    await runData(config(), context);
    const before = read('train.jsonl');
    write('test', 'not JSON\n');
    await expect(runData(config({ ...large, overwrite: true }), context)).rejects.toThrow(
      /test\.jsonl\.gz:1: not valid JSON/,
    );
    expect(read('train.jsonl')).toEqual(before);
  });
});

describe('runData of a data set of files', () => {
  beforeEach(() => {
    mkdirSync(join(folder, 'data', 'gsm8k_platinum'), { recursive: true });
    mkdirSync(join(folder, 'data', 'gsm8k'));
    const rows = Array.from({ length: 30 }, (_, i) => ({
      question: `q${i}`,
      answer: `w\n#### ${i}`,
    }));
    writeFileSync(join(folder, 'data', 'gsm8k', 'test.jsonl'), toJsonl(rows.slice(0, 5)));
    writeFileSync(join(folder, 'data', 'gsm8k', 'train.jsonl.gz'), gzipSync(toJsonl(rows)));
    writeFileSync(join(folder, 'data', 'gsm8k_platinum', 'test.jsonl'), toJsonl(rows.slice(0, 5)));
    vi.stubEnv('LORIKEET_DATA', join(folder, 'data'));
  });

  const all = { train_samples: null, test_samples: null };

  it('writes all rows in their order in the common form', async () => {
    await runData(config({ name: 'gsm8k-platinum', ...all }), context);
    expect(read('test.jsonl').map(({ answer }) => answer)).toEqual(['0', '1', '2', '3', '4']);
    const stats = readJson(join(folder, 'out', 'dataset_stats.json'));
    expect(stats).toMatchObject({ splits: { test: { provenance: { kind: 'local', total: 5 } } } });
  });

  it('refuses training rows of a set that has none, and more rows than there are', async () => {
    const name = 'gsm8k-platinum';
    await expect(runData(config({ name, ...all, train_samples: 3 }), context)).rejects.toThrow(
      'gsm8k-platinum: the data set has no training rows',
    );
    await expect(runData(config({ name, ...all, test_samples: 6 }), context)).rejects.toThrow(
      'test_samples: 6 rows asked for, more than there are. At most 5 can be had',
    );
    await expect(runData(config({ name: 'gsm9k' }), context)).rejects.toThrow(
      '"gsm9k" is no data set',
    );
  });

  it('takes validation rows off the training rows, the same for any number of them', async () => {
    const questions = (name: string) => read(name).map(({ question }) => question);
    const sizes = { name: 'gsm8k', valid_samples: 6, test_samples: null };
    await runData(config({ ...sizes, train_samples: 20 }), context);
    const valid = questions('valid.jsonl');
    const train = questions('train.jsonl');
    expect(new Set([...valid, ...train]).size).toBe(26);
    await runData(config({ ...sizes, train_samples: 7, overwrite: true }), context);
    expect(questions('valid.jsonl')).toEqual(valid);
    expect(questions('train.jsonl')).toEqual(train.slice(0, 7));
    await runData(config({ ...sizes, train_samples: null, overwrite: true }), context);
    expect(questions('train.jsonl').length).toBe(24);
    const more = runData(config({ ...sizes, train_samples: 25, overwrite: true }), context);
    await expect(more).rejects.toThrow(
      /train_samples \+ valid_samples: 31 rows asked for, more than there are/,
    );
    const all = { ...sizes, train_samples: null, overwrite: true };
    await runData(config({ ...all, valid_samples: 29 }), context);
    expect(questions('train.jsonl').length).toBe(1);
    await expect(runData(config({ ...all, valid_samples: 30 }), context)).rejects.toThrow(
      'valid_samples and one row to train on: 31 rows asked for, more than there are. At most 30 can be had',
    );
  });
});
