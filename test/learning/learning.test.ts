/**
 * Each trainer learns on the quickstart's tiny decoder, and no guard or alarm speaks up meanwhile:
 * `npm run test:learning`. The results stand in docs/benchmarks.md.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { keepLearning, type LearningRow } from '../../scripts/benchmarks/results.js';
import { temporaryFolder } from '../support/temporary.js';
import { Learning } from './start.js';

const SEEDS = [1, 2, 3];

/** GSPO clips ratios of whole completions, which are far closer to 1 (Zheng et al. 2025, section 5.1). */
const VARIANTS = {
  grpo: ['loss_type=grpo'],
  dapo: ['loss_type=dapo'],
  dr_grpo: ['loss_type=dr_grpo'],
  gspo: [
    'loss_type=grpo',
    'importance_sampling_level=sequence',
    'epsilon=3e-4',
    'epsilon_high=4e-4',
  ],
} as const;

/**
 * Two steps on each generation, so that ratios leave 1; a rate that keeps the entropy in its healthy range, also where
 * SFT has ended with 60% of the problems solved, at an entropy of 0.13.
 */
const GRPO_KEYS = [
  'rollout_precision=int8',
  'steps_per_generation=2',
  'max_steps=60',
  'learning_rate=3e-4',
];

let learning: Learning;
let startAccuracy: number;
let sftLosses: number[];
const table: LearningRow[] = [];

beforeAll(async () => {
  learning = new Learning(temporaryFolder());
  await learning.prepare();
  sftLosses = (await learning.sft('sft')).map(({ loss }) => loss as number);
  startAccuracy = await learning.accuracy('sft');
}, 600_000);

afterEach(() => {
  expect(learning.takeWarnings(), 'a healthy run warns of nothing').toEqual([]);
});

afterAll(() => {
  if (table.length === 2 + SEEDS.length * Object.keys(VARIANTS).length) keepLearning(table);
});

interface Result {
  readonly name: string;
  readonly keys: readonly string[];
  readonly measure: string;
  readonly start: number;
  readonly end: number;
  readonly steps: number;
}

function keep(run: string, { keys, ...result }: Result): void {
  expect(learning.alarms(run)).toEqual([]);
  table.push({ ...result, keys: keys.join(' ') });
}

test('SFT: the loss falls below 0.2', () => {
  const [start, end] = [sftLosses[0]!, sftLosses.at(-1)!];
  expect(start).toBeGreaterThan(5);
  expect(end).toBeLessThan(0.2);
  const measure = 'loss of a batch';
  keep('sft', { name: 'SFT', keys: [], measure, start, end, steps: sftLosses.length });
});

test('DPO: held-out pairs are told apart', async () => {
  const keys = ['dataset.num_samples=1920', 'num_train_epochs=1', 'eval_steps=60'];
  const start = await learning.preference('sft');
  const rows = await learning.dpo('dpo', keys);
  const end = await learning.preference('dpo');
  expect(start).toBeLessThan(0.3);
  expect(end).toBeGreaterThan(0.9);
  expect(rows.at(-1)!['eval/rewards/accuracies']).toBeGreaterThan(0.9);
  const measure = 'held-out pairs whose chosen answer is likelier';
  keep('dpo', { name: 'DPO', keys, measure, start, end, steps: rows.length });
}, 600_000);

describe.each(Object.keys(VARIANTS) as (keyof typeof VARIANTS)[])('%s', (variant) => {
  test.each(SEEDS)(
    'seed %d: accuracy rises by ten points',
    async (seed) => {
      const run = `${variant}-${seed}`;
      const keys = [...VARIANTS[variant], ...GRPO_KEYS, `seed=${seed}`];
      const rows = await learning.grpo(run, keys);
      const end = learning.finalAccuracy(run);
      expect(startAccuracy).toBeGreaterThan(0.2);
      expect(startAccuracy).toBeLessThan(0.7);
      expect(end - startAccuracy).toBeGreaterThanOrEqual(0.1);
      const measure = 'accuracy on 500 held-out problems';
      keep(run, {
        name: `GRPO, ${variant}`,
        keys,
        measure,
        start: startAccuracy,
        end,
        steps: rows.length,
      });
    },
    900_000,
  );
});
