import { expect, it } from 'vitest';
import type { EvalRow } from '../../../src/evaluate/eval-row.js';
import { groupTables } from '../../../src/evaluate/group-tables.js';
import { evalMetrics } from '../../../src/evaluate/metrics.js';
import { evalSummary } from '../../../src/evaluate/summary.js';

it('scores of more examples than a call takes arguments have a mean and an interval', () => {
  const row = (index: number) =>
    ({
      index,
      correct: index % 2 === 0,
      score: index % 2,
      rewards: {},
      tokens: index % 7,
    }) as EvalRow;
  const rows = Array.from({ length: 200_000 }, (_, index) => row(index));
  const metrics = evalMetrics(rows, { samples: 1, passAt: [], majorityAt: [] });
  expect(metrics).toMatchObject({ eval_size: 200_000, mean_score: 0.5, max_length: 6 });
  // 1.96 · sqrt(0.25 / 200000) = 0.0021913
  expect(metrics.mean_score_high! - 0.5).toBeCloseTo(0.0021913, 6);
});

it.each([
  [
    ['hard', 'easy', 'medium'],
    ['easy', 'medium', 'hard'],
  ],
  [
    ['Level 10', 'Level 2', 'easy'],
    ['easy', 'Level 2', 'Level 10'],
  ],
])('groups %j stand in their natural order', (levels, sorted) => {
  const rows = levels.map(
    (level, index) => ({ index, correct: true, level }) as unknown as EvalRow,
  );
  const columnOf = (row: EvalRow) => (row as unknown as { level: string }).level;
  const [table] = groupTables(rows, { columns: ['level'], columnOf });
  expect(table!.rows.map(({ value }) => value)).toEqual(sorted);
});

it('says how many completions a reward could not grade, beside the mean of the others', () => {
  const scores = [1, null, 0, null, null];
  const rows = scores.map(
    (score, index) =>
      ({
        index,
        correct: true,
        tokens: 1,
        rewards: { judged: score, format: 1 },
      }) as unknown as EvalRow,
  );
  const metrics = evalMetrics(rows, { samples: 1, passAt: [], majorityAt: [] });
  expect(metrics).toMatchObject({
    'rewards/judged/mean': 0.5,
    'rewards/judged/ungraded': 3,
    'rewards/format/mean': 1,
  });
  expect(metrics).not.toHaveProperty('rewards/format/ungraded');
  const text = evalSummary('x', { ...metrics, seconds: 1 });
  expect(text).toContain('Without reward judged: 3 completions\n');
});

it('has the mean of a part over all completions that have it, whether the whole could be graded or not', () => {
  // Two right ones are judged; of two wrong ones the judge failed.
  const rows = [0.5, 1, null, null].map(
    (reasoning, index) =>
      ({
        index,
        correct: reasoning === null ? null : true,
        tokens: 1,
        rewards: {},
        parts: { correctness: reasoning === null ? 0 : 1, reasoning },
      }) as unknown as EvalRow,
  );
  const metrics = evalMetrics(rows.toReversed(), { samples: 1, passAt: [], majorityAt: [] });
  expect(metrics).toMatchObject({
    'parts/correctness': 0.5,
    'parts/reasoning': 0.75,
    'parts/reasoning/ungraded': 2,
  });
  expect(metrics).not.toHaveProperty('parts/correctness/ungraded');
  const text = evalSummary('x', { ...metrics, seconds: 1 });
  expect(text).toContain('Without part reasoning: 2 completions\n');
});
