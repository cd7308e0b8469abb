import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packByLength } from '../../../src/data/packing.js';
import { InputError } from '../../../src/util/errors.js';
import { Rng } from '../../../src/util/rng.js';

interface Golden {
  readonly lengths: readonly number[];
  readonly maxLength: number;
  /** Tokens of each pack, sorted. */
  readonly packs: readonly number[];
}

/** By TRL (scripts/golden/packing.py). */
const golden: readonly Golden[] = JSON.parse(
  readFileSync(new URL('../../fixtures/data/packing.json', import.meta.url), 'utf8'),
);

describe('packing', () => {
  it.each(golden)('fills packs of $maxLength as TRL does', ({ lengths, maxLength, packs }) => {
    const tokens = packByLength(lengths, maxLength).map((pack) =>
      pack.reduce((sum, index) => sum + lengths[index]!, 0),
    );
    expect(tokens.sort((a, b) => a - b)).toEqual(packs);
  });

  it('puts each example where the least room is left, the longest first', () => {
    // 7, 6, 4, 3, 3, 1 into 10: 7 alone (room 3), 6 (room 4), 4 beside 6 (room 0), 3 beside 7 (room 0), 3 and 1.
    expect(packByLength([3, 6, 7, 1, 4, 3], 10)).toEqual([
      [2, 0],
      [1, 4],
      [5, 3],
    ]);
    // 2 goes beside 7 (room 3), not beside 6 (room 4).
    expect(packByLength([7, 6, 2], 10)).toEqual([[0, 2], [1]]);
  });

  it('loses nothing, repeats nothing, overfills nothing, and fills well', () => {
    const rng = Rng.of('packing');
    const lengths = Array.from({ length: 500 }, () => rng.int(1, 64));
    const packs = packByLength(lengths, 64);
    const sizes = packs.map((pack) => pack.reduce((sum, index) => sum + lengths[index]!, 0));
    expect(packs.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64);
    const total = lengths.reduce((a, b) => a + b, 0);
    expect(packs.length).toBeLessThanOrEqual(Math.ceil(1.05 * (total / 64)));
  });

  it('takes no example and one that fills a pack, and refuses one that is too long', () => {
    expect(packByLength([], 8)).toEqual([]);
    expect(packByLength([8, 8], 8)).toEqual([[0], [1]]);
    expect(() => packByLength([9], 8)).toThrow(InputError);
  });
});
