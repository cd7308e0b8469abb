/** Intervals, the exact paired test and pass@k, against numbers worked out by hand. */
import { describe, expect, it } from 'vitest';
import { mcnemarExact, passAtK, wilson, withInterval } from '../../../src/evaluate/index.js';
import { meanInterval, shareInterval } from '../../../src/evaluate/intervals.js';
import { differenceInterval, pairedInterval } from '../../../src/evaluate/paired.js';

describe('wilson', () => {
  it('of 5 in 10: centre 1/2, half 1.96 sqrt(0.025 + 0.0096) / 1.384', () => {
    const { low, high } = wilson(5, 10);
    expect(low).toBeCloseTo(0.23659, 5);
    expect(high).toBeCloseTo(0.76341, 5);
  });

  it('of none: from 0 to z² / (n + z²) = 3.8415 / 13.8415', () => {
    expect(wilson(0, 10).low).toBe(0);
    expect(wilson(0, 10).high).toBeCloseTo(0.27753, 5);
  });

  it('of all is the mirror image, of no trials everything', () => {
    expect(wilson(10, 10).low).toBeCloseTo(0.72247, 5);
    expect(wilson(10, 10).high).toBe(1);
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
  });
});

describe('meanInterval', () => {
  it('of 0, 1, 1, 0: 1/2 ± 1.96 sqrt((1/3) / 4)', () => {
    const { low, high } = meanInterval([0, 1, 1, 0], { low: -9, high: 9 });
    expect(low).toBeCloseTo(0.5 - 0.565793, 5);
    expect(high).toBeCloseTo(0.5 + 0.565793, 5);
  });

  it('is cut to its bounds, which are all that one value tells', () => {
    expect(meanInterval([0, 1, 1, 0])).toEqual({ low: 0, high: 1 });
    expect(meanInterval([0.5])).toEqual({ low: 0, high: 1 });
  });
});

describe('withInterval', () => {
  it('names a mean and its bounds', () => {
    const { low, high } = wilson(2, 3);
    expect(withInterval('accuracy', [1, 0, 1])).toEqual({
      accuracy: 2 / 3,
      accuracy_low: low,
      accuracy_high: high,
    });
    expect(withInterval('mean_score', [0, 5, 5], { low: 0, high: 5 })).toEqual({
      mean_score: 10 / 3,
      mean_score_low: 5 * low,
      mean_score_high: 5 * high,
    });
  });

  it('has no mean of no values', () => {
    expect(withInterval('s', [])).toEqual({ s: null, s_low: null, s_high: null });
  });
});

describe('shareInterval', () => {
  it('of examples that are all right or wrong is Wilson’s: z² / (3 + z²) = 3.8415 / 6.8415', () => {
    expect(shareInterval([0, 0, 0]).low).toBe(0);
    expect(shareInterval([0, 0, 0]).high).toBeCloseTo(0.5615, 5);
    expect(shareInterval([1, 0, 1])).toEqual(wilson(2, 3));
  });

  it('of shares that are 0 or 1 but for rounding is that of trials', () => {
    expect(0.7 + 0.2 + 0.1).not.toBe(1);
    expect(shareInterval([0.7 + 0.2 + 0.1, 0, 1])).toEqual(wilson(2, 3));
    expect(shareInterval([0.7 + 0.2 + 0.1, 1])).toEqual(wilson(2, 2));
  });

  it('of equal shares is not empty: Wilson’s of 1 in 2, 1/2 ± 1.96 sqrt(1/8 + 3.8415/16) / 2.9207', () => {
    const { low, high } = shareInterval([0.5, 0.5]);
    expect(low).toBeCloseTo(0.0945, 4);
    expect(high).toBeCloseTo(0.9055, 4);
  });

  it('of shares that are equal but for rounding is that of equal ones', () => {
    const [a, b] = [(0.1 + 0.2 + 0.3) / 3, (0.3 + 0.2 + 0.1) / 3];
    expect(a).not.toBe(b);
    expect(shareInterval([a, b]).low).toBeCloseTo(wilson(0.4, 2).low, 9);
  });

  it('of values within other bounds is theirs, scaled', () => {
    const { low, high } = shareInterval([1, 1], { low: -1, high: 3 });
    expect(low).toBeCloseTo(4 * 0.0945 - 1, 3);
    expect(high).toBeCloseTo(4 * 0.9055 - 1, 3);
    expect(shareInterval([0, 5, 5], { low: 0, high: 5 }).high).toBeCloseTo(
      5 * wilson(2, 3).high,
      12,
    );
  });

  it('of shares between them is that of their mean: 1/2 ± 1.96 sqrt((1/8) / 5)', () => {
    const { low, high } = shareInterval([0, 0.5, 0.5, 1, 0.5]);
    const half = 1.959964 * Math.sqrt(0.125 / 5);
    expect(low).toBeCloseTo(0.5 - half, 5);
    expect(high).toBeCloseTo(0.5 + half, 5);
  });
});

describe('mcnemarExact', () => {
  it.each([
    [0, 0, 1],
    [1, 9, (2 * (1 + 10)) / 2 ** 10],
    [9, 1, (2 * (1 + 10)) / 2 ** 10],
    [0, 6, 2 / 2 ** 6],
    [5, 5, 1],
    [4, 5, 1],
  ])('%d against %d: p = %d', (a, b, p) => {
    expect(mcnemarExact(a, b)).toBeCloseTo(p, 12);
  });

  it('holds beyond the range of doubles (value from exact fractions)', () => {
    expect(mcnemarExact(600, 700) / 0.0060157938610449525).toBeCloseTo(1, 9);
    expect(mcnemarExact(0, 2000)).toBe(0);
  });
});

describe('pairedInterval', () => {
  it('of 5 against 15 in 100: 10/102 ± 1.96 sqrt(21 − 100/102) / 102', () => {
    const { low, high } = pairedInterval({ n: 100, onlyA: 5, onlyB: 15 });
    expect(low).toBeCloseTo(0.0120637, 6);
    expect(high).toBeCloseTo(0.1840147, 6);
  });

  it('is the same with signs turned when the systems change places', () => {
    const { low, high } = pairedInterval({ n: 100, onlyA: 15, onlyB: 5 });
    expect(low).toBeCloseTo(-0.1840147, 6);
    expect(high).toBeCloseTo(-0.0120637, 6);
  });
});

describe('differenceInterval', () => {
  it('of whole wins, losses and ties is that of their counts', () => {
    const differences = [1, -1, 0, 1, 0, 0];
    expect(differenceInterval(differences)).toEqual(pairedInterval({ n: 6, onlyA: 1, onlyB: 2 }));
  });

  it('of wins and losses that are whole but for rounding is that of their counts', () => {
    const differences = [0.7 + 0.2 + 0.1, -(0.7 + 0.2 + 0.1), 0.1 + 0.2 - 0.3, 1];
    expect(differenceInterval(differences)).toEqual(pairedInterval({ n: 4, onlyA: 1, onlyB: 2 }));
  });

  it('of differences that are equal but for rounding is that of equal ones', () => {
    expect(3 / 5 - 2 / 5).not.toBe(1 / 5);
    const { low, high } = differenceInterval([3 / 5 - 2 / 5, 1 / 5]);
    expect(low).toBeCloseTo(differenceInterval([0.2, 0.2]).low, 9);
    expect(high).toBeCloseTo(differenceInterval([0.2, 0.2]).high, 9);
  });

  it('of equal differences is not empty: 0 ± 1.96 sqrt(1) / 5; (1/4) ± 1.96 sqrt(2 − 1/4) / 4', () => {
    expect(differenceInterval([0, 0, 0]).low).toBeCloseTo(-0.391993, 6);
    expect(differenceInterval([0, 0, 0]).high).toBeCloseTo(0.391993, 6);
    expect(differenceInterval([0.5, 0.5]).low).toBeCloseTo(0.25 - 0.648197, 5);
    expect(differenceInterval([0.5, 0.5]).high).toBeCloseTo(0.25 + 0.648197, 5);
  });

  it('of others is that of their mean, 1/4 ± 1.96 / 4, within the range; 3/2 ± 1.96 / 2', () => {
    expect(differenceInterval([0, 0.5]).low).toBeCloseTo(0.25 - 0.489991, 6);
    expect(differenceInterval([0, 2.5], 3).high).toBe(3);
    expect(differenceInterval([1, 2], 3).low).toBeCloseTo(1.5 - 0.979982, 6);
  });
});

describe('passAtK', () => {
  it.each([
    [4, 2, 2, 1 - 1 / 6],
    [10, 3, 1, 0.3],
    [5, 0, 3, 0],
    [5, 5, 1, 1],
    [5, 3, 3, 1],
  ])('n %d, c %d, k %d: %d', (n, c, k, value) => {
    expect(passAtK(n, c, k)).toBeCloseTo(value, 12);
  });

  it('is unknown with too few samples', () => {
    expect(passAtK(3, 1, 4)).toBeNull();
  });

  it('equals the share of the C(6, k) subsets that hold a right sample', () => {
    for (let c = 0; c <= 6; c++) {
      for (let k = 1; k <= 6; k++) {
        let [subsets, hits] = [0, 0];
        for (let mask = 0; mask < 64; mask++) {
          const members = [0, 1, 2, 3, 4, 5].filter((i) => mask & (1 << i));
          if (members.length !== k) continue;
          subsets += 1;
          if (members.some((i) => i < c)) hits += 1;
        }
        expect(passAtK(6, c, k)).toBeCloseTo(hits / subsets, 12);
      }
    }
  });
});
