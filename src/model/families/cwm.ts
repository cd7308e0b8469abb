/** Code World Model: Llama in which three of four layers see a window only, from the second on. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { llamaLike } from './llama.js';
import { namedRopeFields, ropeSpec } from './rope.js';

export function cwm(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'cwm',
    maxPositions: 131_072,
    keyValueHeads: 8,
    headDim: 128,
    normEps: 1e-5,
    biases: ['mlp_bias'],
    ropes: (context) => {
      const theta = fields.positive('rope_theta', 1_000_000);
      return [ropeSpec(namedRopeFields(fields), { ...context, theta })];
    },
  });
  const windows = layerWindows(fields, spec.layers.length, {
    window: 8192,
    slides: (layer) => layer % 4 !== 0,
  });
  return { ...spec, layers: windows.map((window) => attends(window)) };
}
