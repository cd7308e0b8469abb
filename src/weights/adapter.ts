/** A LoRA adapter: what it computes beside its base, and where it is from. */
import { sha256 } from '../util/files.js';
import type { HostTensor } from './host-tensor.js';
import type { LoraConfig } from './lora-config.js';

/**
 * LoRA of one module: y = W x + scale · B (A x), rows scaled to `magnitude` with DoRA; or of a parameter of experts, where
 * A and B hold those of each (see expert-lora.ts).
 */
export interface LoraTensors {
  /** [r, in], or [count · r, in] */
  readonly a: HostTensor;
  /** [out, r], or [out, r · count] */
  readonly b: HostTensor;
  /** [out], with DoRA only. */
  readonly magnitude?: HostTensor;
  readonly scale: number;
}

export interface Adapter {
  readonly config: LoraConfig;
  /** `base_model_name_or_path`: hub id or folder of the base. */
  readonly baseModel: string | null;
  /** Branch, tag or commit of that base on the hub. */
  readonly revision?: string | null;
  /** How the base was kept while it was trained, e.g. `nf4`; null: as it is. */
  readonly quantization?: string | null;
  /** By module name, e.g. `model.layers.0.self_attn.q_proj`, or that of a parameter of experts. */
  readonly tensors: ReadonlyMap<string, LoraTensors>;
  /** Other values for tensors of the base (`modules_to_save`, `bias`), by their names there. */
  readonly replaced?: ReadonlyMap<string, HostTensor>;
  /** Tensors of the file for other parts of the model than its decoder, left out; absent: 0. */
  readonly outside?: number;
}

/** SHA-256 (hex) of what the adapter computes: names, scales, dtypes, shapes and bytes; null of none. */
export function adapterHash(adapter: Adapter): string;
export function adapterHash(adapter: Adapter | null): string | null;
export function adapterHash(adapter: Adapter | null): string | null {
  if (adapter === null) return null;
  const chunks: (string | Uint8Array)[] = [];
  const add = (name: string, scale: number, { dtype, shape, bytes }: HostTensor) =>
    chunks.push(`${JSON.stringify([name, scale, dtype, shape])}\n`, bytes);
  for (const module of [...adapter.tensors.keys()].sort()) {
    const { a, b, magnitude, scale } = adapter.tensors.get(module)!;
    for (const tensor of [a, b, ...(magnitude ? [magnitude] : [])]) add(module, scale, tensor);
  }
  const { replaced = new Map<string, HostTensor>() } = adapter;
  for (const name of [...replaced.keys()].sort()) add(name, 1, replaced.get(name)!);
  return sha256(...chunks);
}
