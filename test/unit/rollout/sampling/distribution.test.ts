import { describe, expect, it } from 'vitest';
import { argmax, Support, softmaxInto } from '../../../../src/rollout/sampling/distribution.js';
import { Rng } from '../../../../src/util/rng.js';

const NONE = { topK: 0, topP: 1, minP: 0 };

function kept(weights: readonly number[], filters: Partial<typeof NONE>): number[] {
  const support = new Support(weights.length);
  support.select(Float32Array.from(weights), { ...NONE, ...filters });
  return [...support.ids.subarray(0, support.count)];
}

describe('Support', () => {
  const weights = [0.1, 0.4, 0, 0.2, 0.3];

  it.each([
    ['nothing', {}, [0, 1, 3, 4]],
    ['top-k 1', { topK: 1 }, [1]],
    ['top-k 3', { topK: 3 }, [1, 3, 4]],
    ['top-k of all', { topK: 9 }, [0, 1, 3, 4]],
    ['top-p below the likeliest', { topP: 0.3 }, [1]],
    ['top-p that two reach', { topP: 0.65 }, [1, 4]],
    ['top-p that takes three', { topP: 0.71 }, [1, 3, 4]],
    ['min-p half', { minP: 0.5 }, [1, 3, 4]],
    ['min-p three quarters', { minP: 0.74 }, [1, 4]],
    // Of the two likeliest, 0.4 and 0.3, the first has 4/7 = 0.571 of their weight.
    ['top-p of what top-k leaves', { topK: 2, topP: 0.57 }, [1]],
    ['top-p of more than that', { topK: 2, topP: 0.58 }, [1, 4]],
  ])('filters by %s', (_, filters, expected) => {
    expect(kept(weights, filters)).toEqual(expected);
  });

  it('takes the lower ids among equals', () => {
    expect(kept([0.25, 0.25, 0.25, 0.25], { topK: 2 })).toEqual([0, 1]);
    expect(kept([0.25, 0.25, 0.25, 0.25], { topP: 0.5 })).toEqual([0, 1]);
    expect(kept([0.1, 0.3, 0.3, 0.3], { topP: 0.6 })).toEqual([1, 2]);
  });

  it('agrees with sorting on many random rows', () => {
    const rng = Rng.of('support');
    for (let round = 0; round < 200; round++) {
      const row = Float32Array.from({ length: 50 }, () => Math.exp(6 * rng.normal() - 20));
      const order = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b);
      const topK = rng.int(1, 49);
      const byId = (ids: number[]) => [...ids].sort((a, b) => a - b);
      expect(kept([...row], { topK })).toEqual(byId(order.slice(0, topK)));
      const topP = rng.uniform();
      const total = row.reduce((a, b) => a + b, 0);
      let sum = 0;
      const nucleus = order.filter((id) => {
        const isIn = sum < topP * total;
        sum += row[id]!;
        return isIn;
      });
      expect(kept([...row], { topP })).toEqual(byId(nucleus));
    }
  });

  it('adds up the weights that are left', () => {
    const support = new Support(5);
    support.select(Float32Array.from(weights), { ...NONE, topK: 2 });
    expect(support.mass).toBeCloseTo(0.7, 6);
  });
});

describe('softmaxInto', () => {
  it('stands large logits and minus infinity', () => {
    const weights = new Float32Array(3);
    softmaxInto(weights, Float32Array.of(1000, 1000, Number.NEGATIVE_INFINITY));
    expect([...weights]).toEqual([0.5, 0.5, 0]);
  });
});

describe('argmax', () => {
  it('is the first of the largest', () => {
    expect(argmax(Float32Array.of(-3, -1, -1))).toBe(1);
  });
});
