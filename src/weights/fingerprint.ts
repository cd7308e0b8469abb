/**
 * A hash that tells one set of weights from another without reading all of it: name, type, shape and evenly spaced
 * blocks of each tensor. Tensors of 64 KiB and less, such as norms, are hashed whole; a fine-tuned or merged tensor
 * differs in every block.
 */
import { sha256 } from '../util/files.js';
import type { Checkpoint } from './checkpoint.js';
import type { ByteRange } from './safetensors-reader.js';

const BLOCKS = 16;
const BLOCK_BYTES = 4096;

/** @param names Tensors that count; the order does not. */
export function weightsFingerprint(checkpoint: Checkpoint, names: Iterable<string>): string {
  const parts = [...names].sort().flatMap((name) => {
    const { dtype, shape, bytes } = checkpoint.entry(name);
    const blocks = blocksOf(bytes).map((block) => checkpoint.readPart(name, block));
    return [JSON.stringify([name, dtype, shape]), ...blocks];
  });
  return sha256(...parts);
}

function blocksOf(bytes: number): ByteRange[] {
  if (bytes <= BLOCKS * BLOCK_BYTES) return [{ offset: 0, bytes }];
  const last = bytes - BLOCK_BYTES;
  return Array.from({ length: BLOCKS }, (_, i) => ({
    offset: Math.floor((i * last) / (BLOCKS - 1)),
    bytes: BLOCK_BYTES,
  }));
}
