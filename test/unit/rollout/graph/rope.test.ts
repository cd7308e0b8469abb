import { describe, expect, it } from 'vitest';
import { decoderGraph } from '../../../../src/rollout/graph/decoder.js';
import { ropeTables } from '../../../../src/rollout/graph/rope.js';
import { InputError } from '../../../../src/util/errors.js';
import { goldenCase, goldenSpec, goldenWeights } from '../golden.js';

describe('ropeTables', () => {
  it('holds scaled cosines and sines of position times frequency', () => {
    const { cos, sin, shape } = ropeTables({ invFreq: [1, 0.5], scale: 2 }, 3);
    expect(shape).toEqual([3, 2]);
    const angles = [0, 0, 1, 0.5, 2, 1];
    for (const [i, angle] of angles.entries()) {
      expect(cos[i]).toBeCloseTo(2 * Math.cos(angle), 6);
      expect(sin[i]).toBeCloseTo(2 * Math.sin(angle), 6);
    }
  });
});

describe('head sizes', () => {
  const golden = goldenCase('llama');
  const spec = goldenSpec(golden);
  const rope = spec.ropes[0]!;

  it.each([
    [{ headDim: 24 }, 'head size is 24'],
    [{ headDim: 32, ropes: [{ ...rope, rotaryDim: 24 }] }, 'rotated part of the head is 24'],
  ])('are refused where the attention operator does not take them: %j', (changes, message) => {
    const changed = { ...spec, ...changes };
    const source = goldenWeights(golden, changed);
    const build = () => decoderGraph({ spec: changed, source, maxContext: 16 });
    expect(build).toThrow(InputError);
    expect(build).toThrow(message);
  });

  it('are taken in multiples of 16', () => {
    const source = goldenWeights(golden, spec);
    expect(() => decoderGraph({ spec, source, maxContext: 16 })).not.toThrow();
  });
});
