/**
 * Names of tensors in PEFT's `adapter_model.safetensors`, in and out: `base_model.model.<module>` with
 * `.lora_A.weight` [r, in], `.lora_B.weight` [out, r] and `.lora_magnitude_vector` [out] (DoRA); other
 * tensors replace those of the base, whose biases stand under `.base_layer` where the module has LoRA.
 */
import { type DecoderRoot, inDecoder, inModel, rootOf, type StoredRoot } from './decoder-root.js';

const PREFIX = 'base_model.model.';
const SUFFIXES = {
  a: '.lora_A.weight',
  b: '.lora_B.weight',
  magnitude: '.lora_magnitude_vector',
} as const;
const IN_LORA_LAYER = '.base_layer.bias';

export type LoraPart = keyof typeof SUFFIXES;
const PARTS = Object.keys(SUFFIXES) as LoraPart[];

/** Name of a part of a module's LoRA, without what stands before the module in a file. */
export const loraName = (module: string, part: LoraPart): string => `${module}${SUFFIXES[part]}`;

/** The part of a module's LoRA that a tensor is by its name, or null. */
export const loraPartOf = (name: string): LoraPart | null =>
  PARTS.find((part) => name.endsWith(SUFFIXES[part])) ?? null;

/** What a tensor of the file is: a part of a module's LoRA, or another value for a base tensor. */
export type AdapterKey =
  | { readonly module: string; readonly part: LoraPart }
  | { readonly replaces: string };

/** Where the decoder stands in the model of an adapter, by the names of its tensors. */
export const adapterRoot = (keys: Iterable<string>): StoredRoot =>
  rootOf([...keys].map((key) => key.replace(PREFIX, '')));

/**
 * With the decoder's own names. `outside`: of another part of the model, as of the one that reads images;
 * null: a name that PEFT does not give.
 */
export function parseAdapterKey(root: StoredRoot, key: string): AdapterKey | 'outside' | null {
  if (!key.startsWith(PREFIX)) return null;
  const name = inDecoder(root, key.slice(PREFIX.length));
  if (name === null) return 'outside';
  const part = loraPartOf(name);
  if (part !== null) return { module: name.slice(0, -SUFFIXES[part].length), part };
  if (name.endsWith(IN_LORA_LAYER)) {
    return { replaces: `${name.slice(0, -IN_LORA_LAYER.length)}.bias` };
  }
  return /lora_|\.base_layer\./.test(name) ? null : { replaces: name };
}

export const loraKey = (root: DecoderRoot, module: string, part: LoraPart): string =>
  `${PREFIX}${loraName(inModel(root, module), part)}`;

/** @param isInLoraLayer Whether the tensor's module has LoRA and is not replaced as a whole. */
export function replacedKey(root: DecoderRoot, name: string, isInLoraLayer: boolean): string {
  const own = inModel(root, name);
  return `${PREFIX}${isInLoraLayer ? own.replace(/\.bias$/, IN_LORA_LAYER) : own}`;
}
