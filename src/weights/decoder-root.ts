/**
 * Where a text decoder stands among the modules of a model. Names in Lorikeet are those of a decoder by itself,
 * `model.layers.0…` and `lm_head`; a model that reads images too has its own before them, in files of weights
 * and in PEFT's adapters.
 */

/** The module with embeddings, layers and last norm. transformers before 4.52 has the third. */
export type DecoderRoot = 'model' | 'model.language_model' | 'language_model.model';

const ALONE = 'model' satisfies DecoderRoot;
const HEAD = 'lm_head';

const HEADS: Readonly<Record<DecoderRoot, string>> = {
  model: HEAD,
  'model.language_model': HEAD,
  'language_model.model': `language_model.${HEAD}`,
};

/** By the names of a model's or an adapter's tensors. */
export function rootOf(names: readonly string[]): DecoderRoot {
  const roots = ['model.language_model', 'language_model.model'] as const;
  return roots.find((root) => names.some((name) => name.startsWith(`${root}.`))) ?? ALONE;
}

const swapped = (name: string, from: string, to: string): string | null =>
  name === from || name.startsWith(`${from}.`) ? `${to}${name.slice(from.length)}` : null;

/** A module or tensor by the decoder's own name; null: it belongs to another part of the model. */
export function inDecoder(root: DecoderRoot, name: string): string | null {
  if (root === ALONE) return name;
  return swapped(name, root, ALONE) ?? swapped(name, HEADS[root], HEAD);
}

/** The other way round. */
export const inModel = (root: DecoderRoot, name: string): string =>
  swapped(name, ALONE, root) ?? swapped(name, HEAD, HEADS[root]) ?? name;
