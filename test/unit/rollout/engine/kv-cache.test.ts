import { describe, expect, it } from 'vitest';
import { cacheBytesPerToken } from '../../../../src/rollout/engine/cache-bytes.js';
import { KvCache } from '../../../../src/rollout/engine/kv-cache.js';
import { goldenCase, goldenSpec } from '../../../support/golden-rollouts.js';

const spec = { ...goldenSpec(goldenCase('llama')), numKvHeads: 2, headDim: 2 };

/** Element = 1000 · row + 100 · head + 10 · token + dimension, in every tensor. */
function filled(rows: number, capacity: number): KvCache {
  const cache = new KvCache(spec);
  cache.shape({ rows, capacity });
  for (const { data } of cache.tensors(rows)) {
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (let head = 0; head < 2; head++) {
        for (let token = 0; token < capacity; token++) {
          for (let d = 0; d < 2; d++) data[at++] = 1000 * row + 100 * head + 10 * token + d;
        }
      }
    }
  }
  return cache;
}

const contents = (cache: KvCache, rows: number) =>
  cache.tensors(rows).map(({ data, shape }) => ({ shape, data: [...(data as Float32Array)] }));

describe('KvCache', () => {
  it('counts two tensors a layer, float32', () => {
    expect(cacheBytesPerToken(spec, { native: null, type: 'float32' })).toBe(2 * 2 * 2 * 2 * 4);
  });

  it('copies the first tokens of a row into a cache of another capacity', () => {
    const target = new KvCache(spec);
    target.shape({ rows: 2, capacity: 4 });
    target.copyRow(filled(3, 3), { fromRow: 2, toRow: 1, tokens: 2 });
    const row = [2000, 2001, 2010, 2011, 0, 0, 0, 0, 2100, 2101, 2110, 2111, 0, 0, 0, 0];
    for (const { shape, data } of contents(target, 2)) {
      expect(shape).toEqual([2, 2, 4, 2]);
      expect(data).toEqual([...Array(16).fill(0), ...row]);
    }
    expect(contents(target, 2).length).toBe(4);
  });

  it('moves a row within itself', () => {
    const cache = filled(2, 2);
    cache.copyRow(cache, { fromRow: 1, toRow: 0, tokens: 1 });
    for (const { data } of contents(cache, 1)) {
      expect(data).toEqual([1000, 1001, 10, 11, 1100, 1101, 110, 111]);
    }
  });

  it('keeps its memory when a smaller shape follows', () => {
    const cache = filled(3, 5);
    const before = cache.tensors(1)[0]!.data.buffer;
    cache.shape({ rows: 2, capacity: 7 });
    expect(cache.tensors(2)[0]!.data.buffer).toBe(before);
    cache.shape({ rows: 2, capacity: 8 });
    expect(cache.tensors(2)[0]!.data.buffer).not.toBe(before);
  });
});
