import { describe, expect, it } from 'vitest';
import { mixture, mixtureCounts } from '../../../src/data/mixture.js';

const part = (name: string, length: number, weight: number) => ({
  items: Array.from({ length }, (_, i) => `${name}${i}`),
  weight,
});

describe('mixture', () => {
  it('is the smallest in which every item stands and the shares hold', () => {
    // 10 and 4 rows, 1 : 1: 10 of each. 3 : 1: the first needs 10·4/3 = 13.3, the second 4·4 = 16 in all.
    expect(mixtureCounts([part('a', 10, 1), part('b', 4, 1)])).toEqual([10, 10]);
    expect(mixtureCounts([part('a', 10, 3), part('b', 4, 1)])).toEqual([12, 4]);
  });

  it('repeats whole parts first', () => {
    const mixed = mixture([part('a', 10, 1), part('b', 4, 1)], 7);
    const times = (name: string) => mixed.filter((item) => item === name).length;
    expect(mixed).toHaveLength(20);
    for (let i = 0; i < 10; i++) expect(times(`a${i}`)).toBe(1);
    const b = [0, 1, 2, 3].map((i) => times(`b${i}`)).sort();
    expect(b).toEqual([2, 2, 3, 3]);
  });

  it('is a function of the seed', () => {
    const parts = [part('a', 30, 1), part('b', 20, 1)];
    expect(mixture(parts, 1)).toEqual(mixture(parts, 1));
    expect(mixture(parts, 1)).not.toEqual(mixture(parts, 2));
  });
});
