/**
 * Where a text decoder stands among the modules of a model. Names in Lorikeet are those of a decoder by itself,
 * `model.layers.0…` and `lm_head`; a model that reads images too has its own before them, in files of weights
 * and in PEFT's adapters.
 */

/** The module with embeddings, layers and last norm. */
export type DecoderRoot = 'model' | 'model.language_model';

/** In files of weights also as models of transformers before 4.52 have it, which PEFT's older adapters know too. */
export type StoredRoot = DecoderRoot | 'language_model.model';

const ALONE = 'model' satisfies DecoderRoot;
const HEAD = 'lm_head';

/** What stands beside a decoder in files of Qwen2.5-VL, which name that as if it were by itself. */
const IMAGES = 'visual.';

const HEADS: Readonly<Record<StoredRoot, string>> = {
  model: HEAD,
  'model.language_model': HEAD,
  'language_model.model': `language_model.${HEAD}`,
};

/** By the names of a model's or an adapter's tensors. */
export function rootOf(names: readonly string[]): StoredRoot {
  const roots = ['model.language_model', 'language_model.model'] as const;
  return roots.find((root) => names.some((name) => name.startsWith(`${root}.`))) ?? ALONE;
}

/** Names and patterns of an older adapter in the words of today's models. */
export const renewed = (name: string): string =>
  name.replace(/language_model(\\?)\.model(?=\\?\.)/g, 'model$1.language_model');

const swapped = (name: string, from: string, to: string): string | null =>
  name === from || name.startsWith(`${from}.`) ? `${to}${name.slice(from.length)}` : null;

/** A module or tensor by the decoder's own name; null: it belongs to another part of the model. */
export function inDecoder(root: StoredRoot, name: string): string | null {
  if (root === ALONE) return name.startsWith(IMAGES) ? null : name;
  return swapped(name, root, ALONE) ?? swapped(name, HEADS[root], HEAD);
}

/** The other way round. */
export const inModel = (root: StoredRoot, name: string): string =>
  swapped(name, ALONE, root) ?? swapped(name, HEAD, HEADS[root]) ?? name;

/** The module of a tensor: its name without `.weight` or `.bias`. */
export const moduleOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf('.'));
