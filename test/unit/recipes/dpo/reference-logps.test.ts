import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keptReference } from '../../../../src/recipes/dpo/reference-logps.js';
import type { PreferencePair } from '../../../../src/train/index.js';
import type { Adapter, Quantization } from '../../../../src/weights/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const sequence = (...ids: number[]) => ({ ids, trained: ids.map((_, t) => t > 0) });
const PAIRS: readonly PreferencePair[] = [
  { chosen: sequence(1, 2, 3), rejected: sequence(1, 4) },
  { chosen: sequence(1, 5), rejected: sequence(1, 6, 7) },
];
const SCORED = PAIRS.map((pair, i) => ({
  ...pair,
  reference: { chosen: Math.fround(-1.1 - i), rejected: Math.fround(-2.3 - i) },
}));

type Options = Parameters<typeof keptReference>[2];

describe('kept reference log-probabilities', () => {
  let dir: string;
  const source: Options['source'] = { adapter: null, quantization: null };
  beforeEach(() => {
    dir = temporaryFolder();
  });

  const take = (options: Partial<Options> = {}, pairs = PAIRS) =>
    keptReference(pairs, join(dir, 'logps.json'), {
      base: 'base',
      source,
      compute: 'float32',
      reference: 'off',
      score: async (scored) =>
        pairs.map((pair) => {
          const known = scored.get(pair) ?? SCORED[PAIRS.indexOf(pair)]!;
          scored.set(pair, known);
          return known;
        }),
      ...options,
    });

  it('are computed once and come back exactly', async () => {
    expect(await take()).toEqual({ pairs: SCORED, kept: 0 });
    expect(await take()).toEqual({ pairs: SCORED, kept: 2 });
  });

  it('are kept as far as a stopped call has got', async () => {
    const score: Options['score'] = async (scored) => {
      scored.set(PAIRS[1]!, SCORED[1]!);
      throw new Error('stopped');
    };
    await expect(take({ score })).rejects.toThrow('stopped');
    expect(await take()).toEqual({ pairs: SCORED, kept: 1 });
    expect(await take()).toEqual({ pairs: SCORED, kept: 2 });
  });

  it('are known by a hash that no text of all pairs goes into', async () => {
    const pairs = Array.from({ length: 500 }, () => ({ ...PAIRS[0]! }));
    const stringify = vi.spyOn(JSON, 'stringify');
    await take({ score: async () => pairs }, pairs);
    const longest = Math.max(...stringify.mock.results.map(({ value }) => String(value).length));
    stringify.mockRestore();
    expect(longest).toBeLessThan(JSON.stringify(pairs).length / 10);
  });

  it.each<[string, Partial<Options>, typeof PAIRS?]>([
    ['other pairs', {}, [PAIRS[1]!, PAIRS[0]!]],
    ['another reference', { reference: 'reference' }],
    ['another base', { base: 'merged' }],
    ['another type', { compute: 'bfloat16' }],
    ['other weights of the shared part', { ldAlpha: 0.5 }],
  ])('are computed anew for %s', async (_, options, pairs) => {
    await take();
    expect((await take(options, pairs)).kept).toBe(0);
    expect((await take(options, pairs)).kept).toBe(2);
  });

  it('are computed anew for a base in 4 bits, or another adapter', async () => {
    await take();
    const quantization: Quantization = { type: 'nf4', isNested: true };
    expect((await take({ source: { ...source, quantization } })).kept).toBe(0);
    await take();
    const adapter = { config: {}, tensors: new Map() } as unknown as Adapter;
    expect((await take({ source: { ...source, adapter } })).kept).toBe(0);
  });

  it('are computed anew where their file is broken', async () => {
    await take();
    writeFileSync(join(dir, 'logps.json'), '{}');
    expect((await take()).kept).toBe(0);
  });
});
