/** Mistral: Llama with a sliding window in every layer (null in later releases: none). */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { type FamilyTraits, llamaLike } from './llama.js';
import { namedRopeFields, type RopeContext, ropeSpec } from './rope.js';

export function mistral(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, { family: 'mistral', ...MISTRAL_SIZES });
  return everywhere(spec, fields.positiveIntegerOrNull('sliding_window', 4096));
}

export const MISTRAL_SIZES = {
  maxPositions: 131_072,
  keyValueHeads: 8,
} as const satisfies Partial<FamilyTraits>;

/** The same window in every layer. */
export const everywhere = (spec: DecoderSpec, window: number | null): DecoderSpec => ({
  ...spec,
  layers: spec.layers.map(() => attends(window)),
});

/** Ministral: `layer_types` says which layers slide; all of them where it is missing. */
export function ministral(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, { family: 'ministral', ...MISTRAL_SIZES });
  const windows = layerWindows(fields, spec.layers.length, {
    window: 4096,
    slides: (_, window) => window !== null,
  });
  return { ...spec, layers: windows.map((window) => attends(window)) };
}

/** Ministral 3: queries grow with the position, from the length on that the model was first trained at. */
export function ministral3(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'ministral3',
    maxPositions: 262_144,
    keyValueHeads: 8,
    headDim: 128,
    normEps: 1e-5,
    ropes: (context) => [ministral3Rope(fields, context)],
  });
  return everywhere(spec, fields.positiveIntegerOrNull('sliding_window', null));
}

/** The growth, 1 + β ln(1 + ⌊position / original length⌋), is not computed: the context ends before it. */
function ministral3Rope(fields: ConfigFields, context: RopeContext) {
  const scaling = namedRopeFields(fields);
  const theta = fields.positive('rope_theta', context.theta);
  const rope = ropeSpec(scaling, { ...context, theta });
  scaling.raw('max_position_embeddings');
  const key = 'original_max_position_embeddings';
  const original = scaling.positiveInteger(key, context.maxPositions);
  if (scaling.number('llama_4_scaling_beta') === 0) return rope;
  return { ...rope, maxLength: Math.min(original, rope.maxLength ?? original) };
}
