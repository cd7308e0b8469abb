/** `layer_types`: which layers attend through the sliding window. */
import type { ConfigFields } from './fields.js';

const TYPES = ['full_attention', 'sliding_attention'] as const;

/** What transformers assumes for fields that a checkpoint leaves out. */
export interface UsualWindows {
  readonly window: number;
  /** Whether a layer slides where there is no `layer_types`, given what `sliding_window` is. */
  readonly slides: (layer: number, window: number | null) => boolean;
}

/** Window of each layer by `sliding_window` and `layer_types`; null where it sees everything. */
export function layerWindows(
  fields: ConfigFields,
  layers: number,
  usual: UsualWindows,
): readonly (number | null)[] {
  const window = fields.positiveIntegerOrNull('sliding_window', usual.window);
  const types = fields.words('layer_types', layers, TYPES);
  return Array.from({ length: layers }, (_, layer) => {
    const slides =
      types === null ? usual.slides(layer, window) : types[layer] === 'sliding_attention';
    if (slides && window === null) {
      throw fields.wrong('sliding_window', null, `a positive integer, since layer ${layer} slides`);
    }
    return slides ? window : null;
  });
}

/** For families whose window Lorikeet does not compute: every layer must see everything. */
export function requireFullAttention(fields: ConfigFields, layers: number): void {
  fields.oneOf('use_sliding_window', [false]);
  fields.raw('sliding_window');
  const types = fields.words('layer_types', layers, ['full_attention']);
  if (types === null) fields.raw('max_window_layers');
}
