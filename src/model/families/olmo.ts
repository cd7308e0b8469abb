/**
 * OLMoE: norms over the whole of queries and keys, and experts. OLMo 2 and 3: the same norms, and others after each
 * sub-layer instead of before. In OLMo 3 three of four layers see a window only, and rope scaling concerns the others.
 * FlexOlmo: OLMo 2 with experts, each trained on data of its own.
 */
import type { DecoderSpec } from '../spec.js';
import { expertsFrom } from './experts.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { type FamilyTraits, llamaLike } from './llama.js';
import { POST_NORMS } from './norms.js';
import { type RopeContext, ropesByLayerType } from './rope.js';

function olmoLike(
  fields: ConfigFields,
  traits: Pick<FamilyTraits, 'family'> & Partial<FamilyTraits>,
): DecoderSpec {
  const spec = llamaLike(fields, {
    maxPositions: 2048,
    normEps: 1e-5,
    biases: ['attention_bias'],
    ...traits,
  });
  return { ...spec, norms: POST_NORMS, qkNorm: 'full' };
}

export const olmo2 = (fields: ConfigFields): DecoderSpec => olmoLike(fields, { family: 'olmo2' });

export function olmo3(fields: ConfigFields): DecoderSpec {
  const ropes = (context: RopeContext) => olmo3Ropes(fields, context);
  const spec = olmoLike(fields, { family: 'olmo3', ropes });
  const windows = layerWindows(fields, spec.layers.length, {
    window: 4096,
    slides: (layer) => (layer + 1) % 4 !== 0,
  });
  const layers = windows.map((window) => attends(window, window === null ? 0 : 1));
  return { ...spec, layers };
}

export function olmoe(fields: ConfigFields): DecoderSpec {
  // A number there would cap queries, keys and values.
  if (fields.raw('clip_qkv') !== undefined) {
    throw fields.wrong('clip_qkv', fields.raw('clip_qkv'), 'null');
  }
  const spec = llamaLike(fields, {
    family: 'olmoe',
    vocabSize: 50_304,
    maxPositions: 4096,
    normEps: 1e-5,
    biases: ['attention_bias'],
  });
  const { hiddenSize, numHeads, headDim } = spec;
  // Its norms are as long as the hidden size.
  if (numHeads * headDim !== hiddenSize) {
    throw fields.wrong('head_dim', headDim, `${hiddenSize / numHeads}`);
  }
  return {
    ...spec,
    qkNorm: 'full',
    experts: expertsFrom(fields, { count: 64, perToken: 8, auxLossCoef: 0.01 }),
  };
}

export function flexOlmo(fields: ConfigFields): DecoderSpec {
  const spec = olmoLike(fields, {
    family: 'flex_olmo',
    vocabSize: 100_352,
    maxPositions: 4096,
    normEps: 1e-6,
    theta: THETA,
  });
  return { ...spec, experts: expertsFrom(fields, { count: 7, perToken: 5, auxLossCoef: 0.01 }) };
}

const THETA = 500_000;

/** transformers 5 gives a `rope_theta` outside `rope_parameters` to the full layers only, 4 to both kinds. */
function olmo3Ropes(fields: ConfigFields, context: RopeContext) {
  const outside = fields.positive('rope_theta', THETA);
  const ropes = ropesByLayerType(fields, context, { full: outside, sliding: THETA });
  if (outside === THETA || ropes[1].theta !== THETA) return ropes;
  throw fields.wrong('rope_theta', outside, `${THETA}, or one a kind of layer in rope_parameters`);
}
