/**
 * A hash that tells one set of weights from another without reading all of it: name, type, shape and evenly spaced
 * blocks of each tensor. Tensors of 64 KiB and less, such as norms, are hashed whole, and so are those that are edited
 * by the row, embedding and head. A tensor that is fine-tuned or merged differs in every block; a change of a few
 * values of another large one may lie between them.
 */
import { createHash } from 'node:crypto';
import type { Checkpoint } from './checkpoint.js';
import type { ByteRange } from './safetensors-reader.js';

const BLOCKS = 16;
const BLOCK_BYTES = 4096;
/** What is read at once of a tensor that is hashed whole. */
const PIECE_BYTES = 8 * 2 ** 20;

/**
 * @param names Tensors that count; the order does not.
 * @param whole Those of them whose every byte counts
 */
export function weightsFingerprint(
  checkpoint: Checkpoint,
  names: Iterable<string>,
  whole: readonly string[] = [],
): string {
  const hash = createHash('sha256');
  for (const name of [...names].sort()) {
    const { dtype, shape, bytes } = checkpoint.entry(name);
    hash.update(JSON.stringify([name, dtype, shape]));
    const parts = whole.includes(name) ? piecesOf(bytes) : blocksOf(bytes);
    for (const part of parts) hash.update(checkpoint.readPart(name, part));
  }
  return hash.digest('hex');
}

const piecesOf = (bytes: number): ByteRange[] =>
  Array.from({ length: Math.ceil(bytes / PIECE_BYTES) }, (_, i) => {
    const offset = i * PIECE_BYTES;
    return { offset, bytes: Math.min(PIECE_BYTES, bytes - offset) };
  });

function blocksOf(bytes: number): ByteRange[] {
  if (bytes <= BLOCKS * BLOCK_BYTES) return [{ offset: 0, bytes }];
  const last = bytes - BLOCK_BYTES;
  return Array.from({ length: BLOCKS }, (_, i) => ({
    offset: Math.floor((i * last) / (BLOCKS - 1)),
    bytes: BLOCK_BYTES,
  }));
}
