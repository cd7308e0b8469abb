/** Qwen2 and Qwen2.5: Llama with biases on q, k and v. */
import type { DecoderSpec, LayerSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, switchedWindows } from './layer-types.js';
import { llamaLike } from './llama.js';

export function qwen2(fields: ConfigFields): DecoderSpec {
  fields.oneOf('use_mrope', [false]);
  const spec = llamaLike(fields, { family: 'qwen2', maxPositions: 32_768, keyValueHeads: 32 });
  return {
    ...spec,
    layers: qwenLayers(fields, spec.layers.length),
    bias: { q: true, k: true, v: true, o: false, mlp: false },
  };
}

/** Of Qwen 2 and 3: with `use_sliding_window` the layers from `max_window_layers` on slide. */
export function qwenLayers(fields: ConfigFields, layers: number): readonly LayerSpec[] {
  const first = fields.wholeNumber('max_window_layers', 28);
  const windows = switchedWindows(fields, layers, {
    window: 4096,
    slides: (layer, window) => window !== null && layer >= first,
  });
  return windows.map((window) => attends(window));
}
