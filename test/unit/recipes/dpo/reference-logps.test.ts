import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { keptReference } from '../../../../src/recipes/dpo/reference-logps.js';
import type { ModelSource } from '../../../../src/recipes/inputs/model-source.js';
import type { PreferencePair } from '../../../../src/train/index.js';
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

/** A model known by one byte of its embedding. */
const sourceOf = (byte: number) =>
  ({
    spec: { hiddenSize: 1 },
    adapter: null,
    weights: () => ({ dtype: 'float32', shape: [1], bytes: Uint8Array.of(byte, 0, 0, 0) }),
  }) as unknown as ModelSource;

describe('kept reference log-probabilities', () => {
  let dir: string;
  beforeEach(() => {
    dir = temporaryFolder();
  });

  const take = (pairs = PAIRS, source = sourceOf(1), reference = 'off') => {
    const options = { source, reference, score: async () => SCORED };
    return keptReference(pairs, join(dir, 'logps.json'), options);
  };

  it('are computed once and come back exactly', async () => {
    expect(await take()).toEqual({ pairs: SCORED, wasKept: false });
    expect(await take()).toEqual({ pairs: SCORED, wasKept: true });
  });

  it('are computed anew for another model or reference, other pairs, or a broken file', async () => {
    await take();
    expect((await take(PAIRS, sourceOf(2))).wasKept).toBe(false);
    await take();
    expect((await take([PAIRS[1]!, PAIRS[0]!])).wasKept).toBe(false);
    await take();
    expect((await take(PAIRS, sourceOf(1), 'reference')).wasKept).toBe(false);
    writeFileSync(join(dir, 'logps.json'), '{}');
    expect((await take()).wasKept).toBe(false);
  });
});
