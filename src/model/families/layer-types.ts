/** `layer_types`: which layers attend through the sliding window. */
import type { ConfigFields } from './fields.js';

const TYPES = ['full_attention', 'sliding_attention'] as const;

/** @param fallback Says whether a layer slides where the checkpoint has no `layer_types`. */
export function slidingLayers(
  fields: ConfigFields,
  layers: number,
  fallback: (layer: number) => boolean,
): readonly boolean[] {
  const types = fields.words('layer_types', layers, TYPES);
  return Array.from({ length: layers }, (_, layer) =>
    types === null ? fallback(layer) : types[layer] === 'sliding_attention',
  );
}

/** For families whose window Lorikeet does not compute: every layer must see everything. */
export function requireFullAttention(fields: ConfigFields, layers: number): void {
  fields.oneOf('use_sliding_window', [false]);
  fields.raw('sliding_window');
  const types = fields.words('layer_types', layers, ['full_attention']);
  if (types === null) fields.raw('max_window_layers');
}
