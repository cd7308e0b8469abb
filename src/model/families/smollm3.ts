/** SmolLM3: Llama in which every fourth layer has no positions (NoPE); with `use_sliding_window` those layers slide. */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, switchedWindows } from './layer-types.js';
import { llamaLike } from './llama.js';

export function smollm3(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'smollm3',
    maxPositions: 32_768,
    keyValueHeads: 4,
    theta: 2_000_000,
    tied: true,
    biases: ['attention_bias', 'mlp_bias'],
  });
  const count = spec.layers.length;
  const period = fields.positiveInteger('no_rope_layer_interval', 4);
  const flags = fields.numbers('no_rope_layers', count);
  const isRotated = (layer: number) =>
    flags === null ? (layer + 1) % period !== 0 : flags[layer] !== 0;
  const windows = switchedWindows(fields, count, {
    window: null,
    slides: (layer, window) => window !== null && !isRotated(layer),
  });
  return { ...spec, layers: windows.map((window, i) => attends(window, isRotated(i) ? 0 : null)) };
}
