/**
 * gpt-oss: Llama with biases, windows in every other layer, and a learnt score in each head's softmax that no value goes with.
 * Its experts have biases and an activation of their own, whose numbers are the only ones that published models have.
 */
import type { DecoderSpec } from '../spec.js';
import { expertsFrom } from './experts.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { llamaLike } from './llama.js';
import { namedRopeFields, ropeSpec } from './rope.js';

/** They repeat other fields, and are not read by transformers. */
const REPEATED = ['experts_per_token', 'initial_context_length'];

/** MXFP4 is read from the files; numbers in other forms are refused. */
function checkQuantization(fields: ConfigFields): void {
  const quantization = fields.nested('quantization_config');
  if (quantization === null) return;
  quantization.oneOf('quant_method', ['mxfp4']);
  for (const key of ['modules_to_not_convert', 'dequantize']) quantization.raw(key);
}

export function gptOss(fields: ConfigFields): DecoderSpec {
  for (const key of REPEATED) fields.raw(key);
  checkQuantization(fields);
  fields.oneOf('swiglu_limit', [7]);
  fields.oneOf('swiglu_alpha', [1.702]);
  const theta = fields.positive('rope_theta', 150_000);
  const spec = llamaLike(fields, {
    family: 'gpt_oss',
    vocabSize: 201_088,
    heads: 64,
    keyValueHeads: 8,
    headDim: 64,
    maxPositions: 131_072,
    normEps: 1e-5,
    activation: 'clamped_silu',
    biases: ['attention_bias'],
    ropes: (context) => [ropeSpec(namedRopeFields(fields), { ...context, theta })],
  });
  const bias = fields.boolean('attention_bias', true);
  const windows = layerWindows(fields, spec.layers.length, {
    window: 128,
    slides: (layer) => layer % 2 === 0,
  });
  return {
    ...spec,
    layers: windows.map((window) => attends(window)),
    bias: { ...spec.bias, q: bias, k: bias, v: bias, o: bias },
    attentionSinks: true,
    names: { ...spec.names, router: 'router' },
    experts: expertsFrom(fields, {
      ...{ count: 128, perToken: 4, normalized: true, auxLossCoef: 0.001 },
      ...{ stacked: true, inTurns: true, biased: true },
    }),
  };
}
