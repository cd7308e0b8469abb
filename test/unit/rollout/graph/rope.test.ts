import { describe, expect, it } from 'vitest';
import { decoderGraph } from '../../../../src/rollout/graph/decoder.js';
import { InputError } from '../../../../src/util/errors.js';
import { goldenCase, goldenSpec, goldenWeights } from '../../../support/golden-rollouts.js';

describe('head sizes', () => {
  const golden = goldenCase('llama');
  const spec = goldenSpec(golden);
  const rope = spec.ropes[0]!;

  it.each([
    [{ headDim: 24 }, 'head size is 24'],
    [{ headDim: 32, ropes: [{ ...rope, rotaryDim: 24 }] }, "rotates 24 of each head's 32 numbers"],
  ])('are refused where ONNX Runtime does not take them: %j', (changes, message) => {
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
