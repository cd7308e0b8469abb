/** Mixtral: Mistral with experts, of which a token takes the likeliest and divides their probabilities by their sum. */
import type { DecoderSpec } from '../spec.js';
import { expertsFrom } from './experts.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';
import { everywhere, MISTRAL_SIZES } from './mistral.js';

export function mixtral(fields: ConfigFields): DecoderSpec {
  // Noise on what experts take in training.
  fields.oneOf('router_jitter_noise', [0]);
  const spec = llamaLike(fields, {
    family: 'mixtral',
    ...MISTRAL_SIZES,
    vocabSize: 32_000,
    normEps: 1e-5,
    theta: 1_000_000,
  });
  const experts = { count: 8, perToken: 2, normalized: true, auxLossCoef: 0.001 };
  return {
    ...everywhere(spec, fields.positiveIntegerOrNull('sliding_window', null)),
    names: { ...spec.names, mlp: 'block_sparse_moe', gate: 'w1', up: 'w3', down: 'w2' },
    experts: expertsFrom(fields, experts),
  };
}
