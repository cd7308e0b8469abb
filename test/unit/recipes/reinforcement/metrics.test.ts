import { expect, it } from 'vitest';
import { generationMetrics } from '../../../../src/recipes/reinforcement/metrics.js';
import { group, summed } from '../grpo/rollouts.js';

it('takes rewards that are equal but for rounding, or missing, for no spread', () => {
  const equal = group('a', ...Array.from({ length: 8 }, () => 0.1));
  const missing = group('b', 1, 1, null, 1, null, 1, 1, 1);
  const unlike = group('c', 1, 0, 1, 0, 1, 0, 1, 0);
  const found = generationMetrics([...equal, ...missing, ...unlike], summed(8));
  expect(found.frac_reward_zero_std).toBeCloseTo(2 / 3, 12);
  expect(found.ungraded).toBe(2);
});

it('takes no deviation of fewer than two grades for 0, as TRL’s nanstd', () => {
  const groups = [group('a', 1, 1, 1), group('b', null, null, null), group('c', null, 1, null)];
  const found = generationMetrics([...groups.flat(), ...group('d', 1, 0, 1)], summed(3));
  expect(found.frac_reward_zero_std).toBe(1 / 4);
  expect(found.ungraded).toBe(5);
});

it('has the deviation of all rewards that there are, as TRL', () => {
  // 1, 3, 1, 3 around 2: squares 4, over 3. Within the groups there is none.
  const found = generationMetrics(
    [...group('a', 1, 1, null), ...group('b', 3, null, 3)],
    summed(3),
  );
  expect(found.reward).toBe(2);
  expect(found.reward_std).toBeCloseTo(Math.sqrt(4 / 3), 12);
});

it('has no mean and no deviation of rewards that nothing has', () => {
  const found = generationMetrics(group('a', null, null, null), summed(3));
  expect(Object.keys(found).filter((name) => name.startsWith('reward'))).toEqual([]);
  expect(found.ungraded).toBe(3);
});
