/** OLMo 2: norms after each sub-layer instead of before, and over the whole of queries and keys. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function olmo2(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'olmo2',
    maxPositions: 2048,
    normEps: 1e-5,
    biases: ['attention_bias'],
  });
  return { ...spec, normPlacement: 'post', qkNorm: 'full' };
}
