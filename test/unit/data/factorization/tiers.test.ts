/** Shares of the tiers, rescaling, and the rows of a tier. */
import { expect, test } from 'vitest';
import { isFactorization } from '../../../../src/data/factorization/index.js';
import { drawNumbers, splitOfNumber } from '../../../../src/data/factorization/numbers.js';
import { rowsOfTiers } from '../../../../src/data/factorization/rows.js';
import { TIERS } from '../../../../src/data/factorization/tiers.js';
import { apportion, planTiers } from '../../../../src/data/index.js';

const all = {
  numSamples: 10_000,
  tiers: null,
  samplesPerTier: null,
  maxValue: null,
  optimize: false,
};
const counts = (choice: Parameters<typeof planTiers>[0]) =>
  planTiers(choice).map(({ count }) => count);

test('10,000 rows have the shares of the tiers', () => {
  expect(counts(all)).toEqual([500, 1000, 1500, 2000, 2000, 1500, 800, 500, 200]);
  expect(TIERS.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  expect(TIERS.reduce((sum, { optimizedShare }) => sum + optimizedShare, 0)).toBeCloseTo(1, 12);
});

test('optimize moves rows from tiers 6 to 8 to the ones below', () => {
  const plain = counts(all);
  const optimized = counts({ ...all, optimize: true });
  const small = (each: readonly number[]) => each.slice(0, 6).reduce((a, b) => a + b, 0);
  expect([small(plain), small(optimized)]).toEqual([8500, 9200]);
  expect(optimized[8]).toBeGreaterThan(0);
});

test('max_value takes tiers away, cuts one, and scales the shares that are left', () => {
  const plans = planTiers({ ...all, maxValue: 5000 });
  // Shares .05, .10, .15 of .30.
  expect(plans.map(({ count }) => count)).toEqual([1667, 3333, 5000]);
  expect(plans.at(-1)?.tier).toMatchObject({ tier: 2, low: 1000, high: 5000 });
  expect(counts({ ...all, maxValue: 999_999 })).toHaveLength(5);
  expect(() => planTiers({ ...all, tiers: [5], maxValue: 5000 })).toThrow(
    'no tier has enough numbers up to 5000',
  );
});

test.each([
  [1_000_000, 5],
  [1_000_000_000, 8],
  [1_089_998, 5],
  [1_089_999, 6],
  [10, 1],
])(
  'max_value=%i leaves %i tiers: one that keeps less than a hundredth goes too',
  (maxValue, left) => {
    expect(planTiers({ ...all, maxValue })).toHaveLength(left);
  },
);

test('tiers and samples_per_tier choose rows of each', () => {
  const plans = planTiers({ ...all, tiers: [1, 8], samplesPerTier: 7 });
  expect(plans.map(({ tier, count }) => [tier.tier, count])).toEqual([
    [1, 7],
    [8, 7],
  ]);
  expect(() => planTiers({ ...all, tiers: [9] })).toThrow('tiers: there is no tier 9');
});

test('apportion gives the whole total to the largest remainders', () => {
  expect(apportion(10, [1, 1, 1])).toEqual([4, 3, 3]);
  expect(apportion(7, [0.8, 0.1, 0.1])).toEqual([5, 1, 1]);
  expect(apportion(0, [1, 2])).toEqual([0, 0]);
});

test.each(TIERS)('rows of tier $tier are in range, factored right, and of one split', (tier) => {
  const seen = new Map<number, string>();
  for (const split of ['train', 'valid', 'test'] as const) {
    const options = { seed: 3, tier, split, count: 40, enhancedShare: 0.5 };
    const [[rows = []] = []] = rowsOfTiers([[options]]);
    expect(rows).toHaveLength(40);
    for (const { number, factors, messages, metadata } of rows) {
      expect(number).toBeGreaterThanOrEqual(tier.low);
      expect(number).toBeLessThanOrEqual(tier.high);
      expect(isFactorization(number, factors)).toBe(true);
      expect(factors).toEqual([...factors].sort((a, b) => a - b));
      expect(messages.at(-1)?.content).toContain(` ${number}.`);
      expect(messages.map(({ role }) => role)).toEqual(
        metadata.enhanced ? ['system', 'user'] : ['user'],
      );
      expect(seen.get(number) ?? split).toBe(split);
      seen.set(number, split);
    }
  }
});

test('a longer list begins with the shorter one, and other seeds give others', () => {
  const tier = TIERS[4]!;
  const draw = (count: number, seed: number) => drawNumbers({ seed, tier, split: 'train', count });
  expect(draw(50, 1).slice(0, 20)).toEqual(draw(20, 1));
  expect(draw(20, 2)).not.toEqual(draw(20, 1));
  expect(new Set(draw(50, 1).map(({ number }) => number)).size).toBe(50);
});

test('a tier without a number of the split is an error', () => {
  const tier = { ...TIERS[0]!, high: 10 };
  const other = (['train', 'valid', 'test'] as const).find(
    (each) => splitOfNumber(1, 10) !== each,
  )!;
  expect(() => drawNumbers({ seed: 1, tier, split: other, count: 1 })).toThrow(
    `tier 0, ${other}: the numbers from 10 to 10 give none for ${other}`,
  );
});
