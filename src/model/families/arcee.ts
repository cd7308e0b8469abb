/** Arcee (AFM): Llama with MLPs that have no gate, down(relu²(up x)). */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function arcee(fields: ConfigFields): DecoderSpec {
  fields.oneOf('hidden_act', ['relu2']);
  const spec = llamaLike(fields, {
    family: 'arcee',
    vocabSize: 32_000,
    maxPositions: 4096,
    normEps: 1e-5,
    biases: ['attention_bias', 'mlp_bias'],
    activation: 'relu',
  });
  return { ...spec, mlpGate: 'itself' };
}
