/** ERNIE 4.5 (dense): Llama that rotates neighbouring dimensions together, with biases everywhere or nowhere. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function ernie45(fields: ConfigFields): DecoderSpec {
  // Divides positions in older releases' own code.
  fields.oneOf('compression_ratio', [1]);
  const spec = llamaLike(fields, {
    family: 'ernie4_5',
    vocabSize: 103_424,
    maxPositions: 131_072,
    keyValueHeads: 2,
    headDim: 128,
    normEps: 1e-5,
    tied: true,
    theta: 500_000,
    rope: { rotatesNeighbours: true },
  });
  const bias = fields.boolean('use_bias', false);
  return { ...spec, bias: { q: bias, k: bias, v: bias, o: bias, mlp: bias } };
}
