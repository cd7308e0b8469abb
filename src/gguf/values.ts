/**
 * Values of GGUF's metadata with their types, as `serializeGgufMetadata` of `@huggingface/gguf` takes them.
 * Types are those that llama.cpp reads each key with: it refuses a float where it wants an integer.
 */
import { GGUFValueType as Type } from '@huggingface/gguf';

type Plain = string | number | boolean;

export interface MetadataValue {
  readonly value: Plain | readonly Plain[];
  readonly type: Type;
  /** Of the elements of an array. */
  readonly subType?: Type;
}

export type Metadata = Readonly<Record<string, MetadataValue>>;

export const text = (value: string): MetadataValue => ({ value, type: Type.STRING });
export const count = (value: number): MetadataValue => ({ value, type: Type.UINT32 });
export const float = (value: number): MetadataValue => ({ value, type: Type.FLOAT32 });
export const flag = (value: boolean): MetadataValue => ({ value, type: Type.BOOL });

const list =
  <T extends Plain>(subType: Type) =>
  (value: readonly T[]): MetadataValue => ({ value, type: Type.ARRAY, subType });

export const texts = list<string>(Type.STRING);
export const integers = list<number>(Type.INT32);
export const floats = list<number>(Type.FLOAT32);
export const flags = list<boolean>(Type.BOOL);
