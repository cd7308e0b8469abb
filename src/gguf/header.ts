/**
 * The header of a GGUF file, version 3 (github.com/ggml-org/ggml, docs/gguf.md): metadata, as
 * `@huggingface/gguf` serializes it, then name, shape, type and place of each tensor, then zeros up to the
 * alignment of the data.
 */
import { type GGUFTypedMetadata, GGUFValueType, serializeGgufMetadata } from '@huggingface/gguf';
import type { GgufTensor } from './tensors.js';
import { ENCODINGS, encodedBytes } from './types.js';
import type { Metadata } from './values.js';

/** `general.alignment` where a file does not say another. */
const ALIGNMENT = 32;

export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** @param tensors In the order of their data, each of which begins at a multiple of the alignment. */
export function headerBytes(metadata: Metadata, tensors: readonly GgufTensor[]): Buffer {
  const whole = {
    version: { value: 3, type: GGUFValueType.UINT32 },
    tensor_count: { value: BigInt(tensors.length), type: GGUFValueType.UINT64 },
    kv_count: { value: BigInt(Object.keys(metadata).length), type: GGUFValueType.UINT64 },
    ...metadata,
  } as unknown as GGUFTypedMetadata;
  const values = serializeGgufMetadata(whole, { alignment: 1 });
  const infos = tensorInfos(tensors);
  const used = values.length + infos.reduce((sum, info) => sum + info.length, 0);
  return Buffer.concat([values, ...infos], aligned(used));
}

function tensorInfos(tensors: readonly GgufTensor[]): Buffer[] {
  let place = 0;
  return tensors.map(({ name, shape, dtype }) => {
    const letters = Buffer.from(name);
    const info = Buffer.alloc(8 + letters.length + 4 + 8 * shape.length + 4 + 8);
    let at = info.writeBigUInt64LE(BigInt(letters.length));
    at += letters.copy(info, at);
    at = info.writeUInt32LE(shape.length, at);
    for (const size of shape.toReversed()) at = info.writeBigUInt64LE(BigInt(size), at);
    at = info.writeUInt32LE(ENCODINGS[dtype].tensorType, at);
    info.writeBigUInt64LE(BigInt(place), at);
    place += aligned(encodedBytes(shape, dtype));
    return info;
  });
}
