/** Phi-3 and Phi-4-mini: q, k and v stored as one matrix, gate and up too; part of each head is rotated. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends } from './layer-types.js';
import { llamaLike } from './llama.js';
import { ropeFromConfig } from './rope.js';

/** Names that older Phi-3 checkpoints use for the same scaling. */
const RENAMED = { su: 'longrope', yarn: 'longrope' } as const;

export function phi3(fields: ConfigFields): DecoderSpec {
  fields.oneOf('full_attn_mod', [1]);
  fields.oneOf('interpolate_factor', [1]);
  const spec = llamaLike(fields, {
    family: 'phi3',
    maxPositions: 4096,
    normEps: 1e-5,
    rope: { partial: 1, originalMaxPositions: 4096 },
    ropes: (context) => [ropeFromConfig(fields, context, RENAMED)],
  });
  const window = fields.positiveIntegerOrNull('sliding_window', null);
  return {
    ...spec,
    layers: spec.layers.map(() => attends(window)),
    fusedProjections: { qkv: true, gateUp: true },
  };
}
