/** Advantages of completions whose rewards stand apart, and which groups teach by them. */
import { describe, expect, it } from 'vitest';
import { advantagesOf, teaches } from '../../../../src/recipes/reinforcement/advantages.js';
import type { GradedRollout } from '../../../../src/recipes/sampling/graded-rollouts.js';
import { rollout } from '../grpo/rollouts.js';

const WEIGHTS = { a: 2, b: 1 } as const;

/** A completion with these rewards; null: it failed, and there is no total. */
function graded(a: number, b: number | null): GradedRollout {
  const total = b === null ? null : WEIGHTS.a * a + WEIGHTS.b * b;
  const parts = {
    a: { score: a, status: 'ok' },
    b: { score: b, status: b === null ? 'error' : 'ok' },
  } as const;
  return { ...rollout('p', total), grade: { total, parts } };
}

const config = {
  num_generations: 2,
  scale_rewards: 'group',
  rewards: Object.entries(WEIGHTS).map(([name, weight]) => ({ name, weight })),
} as const;
const before = { ...config, multi_objective_aggregation: 'sum_then_normalize' } as const;
const after = { ...config, multi_objective_aggregation: 'normalize_then_sum' } as const;

describe('rewards that are scaled before they are summed', () => {
  it('teach where only their sums are equal', () => {
    // 2·1 + 0 = 2·0 + 2. Scaled, both rewards stand at ±1/√2, and the heavier one decides: ±(2 − 1)/√2,
    // deviation 1.
    const group = [graded(1, 0), graded(0, 2)];
    expect(teaches(group, before)).toBe(false);
    expect(teaches(group, after)).toBe(true);
    expect(advantagesOf(group, after)).toBeAllclose([Math.SQRT1_2, -Math.SQRT1_2], { atol: 1e-3 });
  });

  it('do not teach where each of them is equal', () => {
    expect(teaches([graded(1, 2), graded(1, 2)], after)).toBe(false);
    expect(teaches([graded(1, 2), graded(1, 3)], after)).toBe(true);
  });

  it('give a completion of which one failed nothing, and leave it out of the means', () => {
    const found = advantagesOf([graded(1, 0), graded(9, null), graded(0, 0)], {
      ...after,
      num_generations: 3,
    });
    // Of the other two: ±2/√2 by the heavier reward, deviation 2.
    expect(found).toBeAllclose([Math.SQRT1_2, 0, -Math.SQRT1_2], { atol: 1e-3 });
  });
});
