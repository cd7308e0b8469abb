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
  for (const [part, suffix] of Object.entries(SUFFIXES)) {
    if (name.endsWith(suffix)) {
      return { module: name.slice(0, -suffix.length), part: part as LoraPart };
    }
  }
  if (name.endsWith(IN_LORA_LAYER)) {
    return { replaces: `${name.slice(0, -IN_LORA_LAYER.length)}.bias` };
  }
  return /lora_|\.base_layer\./.test(name) ? null : { replaces: name };
}

export const loraKey = (root: DecoderRoot, module: string, part: LoraPart): string =>
  `${PREFIX}${inModel(root, module)}${SUFFIXES[part]}`;

/** @param isInLoraLayer Whether the tensor's module has LoRA and is not replaced as a whole. */
export function replacedKey(root: DecoderRoot, name: string, isInLoraLayer: boolean): string {
  const own = inModel(root, name);
  return `${PREFIX}${isInLoraLayer ? own.replace(/\.bias$/, IN_LORA_LAYER) : own}`;
}
