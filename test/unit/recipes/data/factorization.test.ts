/** `lorikeet data factorization`: files, statistics, workers, sets put together. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataSchema } from '../../../../src/config/index.js';
import { isFactorization } from '../../../../src/data/factorization/index.js';
import { runData } from '../../../../src/recipes/data.js';
import { InputError } from '../../../../src/util/errors.js';
import { readJson, readJsonl } from '../../../../src/util/files.js';
import { logInto } from '../../../support/context.js';
import { rejectionOf } from '../../../support/failures.js';
import { temporaryFolder } from '../../../support/temporary.js';

const logged: string[] = [];
const run = (more: Readonly<Record<string, unknown>>) =>
  runData(dataSchema.parse({ name: 'factorization', num_workers: 1, ...more }), logInto(logged));

test('writes all files, the same for any number of workers, and checks out', async () => {
  const root = temporaryFolder();
  const [one, two] = [join(root, 'one'), join(root, 'two')];
  const result = await run({ num_samples: 400, output_dir: one });
  expect(result).toEqual({ output_dir: one, rows: { train: 320, valid: 40, test: 40 } });
  expect(readdirSync(one).sort()).toEqual([
    'dataset_stats.json',
    'factorization_dataset.jsonl',
    'sft_train.jsonl',
    'test.jsonl',
    'train.jsonl',
    'valid.jsonl',
  ]);
  await run({ num_samples: 400, output_dir: two, num_workers: 3 });
  for (const name of readdirSync(one)) {
    expect(readFileSync(join(two, name), 'utf8')).toBe(readFileSync(join(one, name), 'utf8'));
  }
  const rows = readJsonl(join(one, 'factorization_dataset.jsonl'));
  expect(rows).toHaveLength(400);
  for (const { number, factors } of rows) {
    expect(isFactorization(number as number, factors as number[])).toBe(true);
  }
  const { tiers } = readJson(join(one, 'dataset_stats.json')) as { tiers: Record<string, number> };
  expect(tiers).toEqual({ 0: 20, 1: 40, 2: 60, 3: 80, 4: 80, 5: 60, 6: 32, 7: 20, 8: 8 });
  const { messages, factors } = readJsonl(join(one, 'sft_train.jsonl'))[0] as {
    messages: { role: string; content: string }[];
    factors: number[];
  };
  expect(messages.at(-1)?.role).toBe('assistant');
  expect(JSON.parse(messages.at(-1)?.content ?? '')).toMatchObject({ factors, confidence: 0.99 });
});

test('sets by tier are put together, and keys of the set are refused elsewhere', async () => {
  const root = temporaryFolder();
  const parts = [0, 1].map((tier) => join(root, `tier${tier}`));
  await run({ tiers: 0, samples_per_tier: 20, output_dir: parts[0] });
  await run({ tiers: [1], samples_per_tier: 10, output_dir: parts[1] });
  const folder = join(root, 'combined');
  const result = await run({ factorization: { combine: parts }, output_dir: folder });
  expect(result.rows).toEqual({ train: 24, valid: 3, test: 3 });
  const train = parts.map((part) => readFileSync(join(part, 'train.jsonl'), 'utf8')).join('');
  expect(readFileSync(join(folder, 'train.jsonl'), 'utf8')).toBe(train);
  await expect(run({ tiers: 0, output_dir: folder })).rejects.toThrow('is in use');
});

test('max_value may be the first number of a tier, which is left out', async () => {
  const folder = join(temporaryFolder(), 'easy_medium');
  await run({ num_samples: 300, max_value: 1_000_000, output_dir: folder });
  const stats = readJson(join(folder, 'dataset_stats.json')) as Record<string, unknown>;
  // Shares .05, .10, .15, .20, .20 of .70, of 300 rows.
  expect(stats).toMatchObject({ rows: 300, tiers: { 0: 21, 1: 43, 2: 64, 3: 86, 4: 86 } });
  expect(stats.largest).toBeLessThan(1_000_000);
});

test('says how many rows repeat a number, and where there is none', async () => {
  const folder = join(temporaryFolder(), 'tier0');
  logged.length = 0;
  await run({ tiers: 0, samples_per_tier: 120, output_dir: folder });
  const { different_numbers: different } = readJson(join(folder, 'dataset_stats.json')) as {
    different_numbers: number;
  };
  expect(different).toBeLessThanOrEqual(90);
  expect(logged.at(-1)).toBe(
    `${120 - different} rows with a number of another row: the tiers of the split have no others`,
  );
  const none = run({ max_value: 10, output_dir: join(folder, 'none') });
  expect((await rejectionOf(InputError, none)).message).toMatch(
    /^tier 0, \w+: the numbers from 10 to 10 give none for \w+\. Raise max_value, take another/,
  );
});
