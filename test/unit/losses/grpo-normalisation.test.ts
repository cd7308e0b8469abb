import { expect, test } from 'vitest';
import { areEqual } from '../../../src/losses/grpo-normalisation.js';
import {
  decoupledAdvantages,
  groupAdvantages,
  standardDeviation,
  tokenCoefficient,
} from '../../../src/losses/index.js';
import { goldenLosses } from '../../support/golden-losses.js';

test('the deviation is the sample’s, and 0 for one value', () => {
  // Values 1, 2, 3, 6 around 3: squares 4 + 1 + 0 + 9 = 14, over 3.
  expect([standardDeviation([1, 2, 3, 6])]).toBeAllclose([Math.sqrt(14 / 3)]);
  expect(standardDeviation([5])).toBe(0);
  expect(standardDeviation([])).toBe(0);
});

test('advantages by group, by batch, and unscaled', () => {
  const rewards = [1, 0, 0, 1, 3, 1];
  // Groups of two: means 0.5, 0.5, 2; deviations √0.5, √0.5, √2; ε = 1e-4.
  const [small, large] = [0.5 / (Math.SQRT1_2 + 1e-4), 1 / (Math.SQRT2 + 1e-4)];
  expect(groupAdvantages(rewards, { groupSize: 2, scale: 'group' })).toBeAllclose([
    small,
    -small,
    -small,
    small,
    large,
    -large,
  ]);
  expect(groupAdvantages(rewards, { groupSize: 2, scale: 'none' })).toBeAllclose([
    0.5, -0.5, -0.5, 0.5, 1, -1,
  ]);
  // All six around 1: squares 0 + 1 + 1 + 0 + 4 + 0 = 6, over 5.
  const deviation = Math.sqrt(6 / 5) + 1e-4;
  expect(groupAdvantages(rewards, { groupSize: 2, scale: 'batch' })).toBeAllclose(
    [0.5, -0.5, -0.5, 0.5, 1, -1].map((centred) => centred / deviation),
  );
});

test('equal rewards and missing grades give 0', () => {
  expect(groupAdvantages([2, 2, 2], { groupSize: 3, scale: 'group' })).toBeAllclose([0, 0, 0]);
  // The two graded ones stand at ±1 around their mean, deviation √2.
  const one = 1 / (Math.SQRT2 + 1e-4);
  const options = { groupSize: 3, scale: 'group' } as const;
  expect(groupAdvantages([3, null, 1], options)).toBeAllclose([one, 0, -one]);
  expect(groupAdvantages([null, null, null], options)).toEqual([0, 0, 0]);
});

test('rewards that are equal but for rounding give 0, however they are scaled', () => {
  // The mean of eight times 0.1 is not 0.1: 0.09999999999999999.
  const rewards = Array.from({ length: 8 }, () => 0.1);
  expect(standardDeviation(rewards)).toBeGreaterThan(0);
  expect(areEqual(rewards)).toBe(true);
  expect(areEqual([0.3, 0.1 + 0.2, 0.3])).toBe(true);
  expect(areEqual([0.1, 0.1, 0.1001])).toBe(false);
  for (const scale of ['group', 'batch', 'none'] as const) {
    const found = groupAdvantages([...rewards, 0, 1], { groupSize: 8, scale });
    expect(found.slice(0, 8)).toEqual(rewards.map(() => 0));
    expect(found[9]).toBeGreaterThan(0);
  }
});

test.each(['group', 'batch', 'none'] as const)('advantages scaled by %s are TRL’s', (scale) => {
  const { totals, groupSize, summed } = goldenLosses().advantages;
  const found = groupAdvantages(totals, { groupSize, scale });
  expect(found).toBeAllclose(summed[scale], { atol: 1e-9 });
});

test('rewards normalised one by one before they are summed are TRL’s', () => {
  const { rewards, weights, groupSize, advantages } = goldenLosses().advantages;
  const weighted = rewards.map((scores, i) => ({ scores, weight: weights[i]! }));
  expect(decoupledAdvantages(weighted, { groupSize })).toBeAllclose(advantages, { atol: 1e-6 });
});

test('rewards that are equal in a group give it no advantage, not even of rounding', () => {
  const scores = [0.1, 0.2, 0.7, 0.3, 1, 1, 1, 1];
  const [first, ...rest] = decoupledAdvantages([{ scores, weight: 0.3 }], { groupSize: 4 });
  // Group 1 around 0.325: squares 0.2075 = 3 s², batch of 8 with four zeros: (0.3/s)² · 0.2075 / 7.
  const spread = Math.sqrt(0.2075 / 3);
  const batch = (0.3 / spread) * Math.sqrt(0.2075 / 7);
  expect([first]).toBeAllclose([(0.3 * -0.225) / spread / batch], { atol: 2e-3 });
  expect(rest.slice(3)).toEqual([0, 0, 0, 0]);
});

test('a completion without any reward gets 0', () => {
  const weighted = [
    { scores: [1, null, 0], weight: 1 },
    { scores: [3, null, 1], weight: 1 },
    { scores: [0, 5, 1], weight: 0 },
  ];
  // Both rewards stand at ±1/√2: sums ±√2, deviation 2.
  expect(decoupledAdvantages(weighted, { groupSize: 3 })).toBeAllclose(
    [Math.SQRT1_2, 0, -Math.SQRT1_2],
    { atol: 1e-3 },
  );
});

test('the coefficient of a token by loss type', () => {
  const totals = {
    sequences: 4,
    tokens: 40,
    microTokens: 10,
    microBatches: 2,
    maxCompletionLength: 16,
  };
  // A completion of 5 tokens: 1/(5·4), 1/40, 1/(10·2), 1/(16·4).
  expect(tokenCoefficient('grpo', 5, totals)).toBe(0.05);
  expect(tokenCoefficient('dapo', 5, totals)).toBe(0.025);
  expect(tokenCoefficient('cispo', 5, totals)).toBe(0.025);
  expect(tokenCoefficient('bnpo', 5, totals)).toBe(0.05);
  expect(tokenCoefficient('dr_grpo', 5, totals)).toBe(0.015625);
});
