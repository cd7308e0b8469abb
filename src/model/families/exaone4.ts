/**
 * EXAONE 4: norms after each sub-layer and on each head of queries and keys. Where layers slide, those that
 * see everything have no positions (NoPE).
 */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends, layerWindows } from './layer-types.js';
import { llamaLike } from './llama.js';
import { POST_NORMS } from './norms.js';

export function exaone4(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, {
    family: 'exaone4',
    maxPositions: 2048,
    keyValueHeads: 32,
    normEps: 1e-5,
  });
  const period = slidingPeriod(fields);
  const usual = {
    window: 4096,
    slides: (layer: number, window: number | null) => window !== null && (layer + 1) % period !== 0,
  };
  const windows = layerWindows(fields, spec.layers.length, usual);
  const isHybrid = fields.positiveIntegerOrNull('sliding_window', usual.window) !== null;
  return {
    ...spec,
    norms: POST_NORMS,
    qkNorm: 'head',
    layers: windows.map((window) => attends(window, isHybrid && window === null ? null : 0)),
  };
}

/** Read only where `layer_types` is missing; beside it releases have a word such as "LLLG". */
function slidingPeriod(fields: ConfigFields): number {
  if (fields.raw('layer_types') === undefined) {
    return fields.positiveInteger('sliding_window_pattern', 4);
  }
  fields.raw('sliding_window_pattern');
  return 4;
}
