/** `layer_types`: which layers attend through the sliding window. */
import type { AttentionLayer } from '../spec.js';
import type { ConfigFields } from './fields.js';

/** @param rope Index of the layer's rope; null: none */
export const attends = (window: number | null, rope: number | null = 0): AttentionLayer => ({
  mixer: 'attention',
  rope,
  window,
});

const TYPES = ['full_attention', 'sliding_attention'] as const;

/** What transformers assumes for fields that a checkpoint leaves out. */
export interface UsualWindows {
  readonly window: number | null;
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
  return windowsOf(fields, layers, { window, slides: usual.slides });
}

/** The same for families that have windows only where `use_sliding_window` is true. */
export function switchedWindows(
  fields: ConfigFields,
  layers: number,
  usual: UsualWindows,
): readonly (number | null)[] {
  const isOn = fields.boolean('use_sliding_window', false);
  const window = fields.positiveIntegerOrNull('sliding_window', usual.window);
  if (isOn) return windowsOf(fields, layers, { window, slides: usual.slides });
  const first = fields.words('layer_types', layers, TYPES)?.indexOf('sliding_attention') ?? -1;
  if (first < 0) return new Array<null>(layers).fill(null);
  throw fields.wrong('use_sliding_window', false, `true, since layer ${first} slides`);
}

function windowsOf(
  fields: ConfigFields,
  layers: number,
  { window, slides: slidesUsually }: UsualWindows,
): readonly (number | null)[] {
  const types = fields.words('layer_types', layers, TYPES);
  return Array.from({ length: layers }, (_, layer) => {
    const slides =
      types === null ? slidesUsually(layer, window) : types[layer] === 'sliding_attention';
    if (slides && window === null) {
      throw fields.wrong('sliding_window', null, `a positive integer, since layer ${layer} slides`);
    }
    return slides ? window : null;
  });
}
