/** Bytes of what is trained: parameters, gradients, moments, and the update of them. */
import { PIECE } from '../tensor/index.js';
import { FLOAT, type MemoryQuestion, type OptimizerMoments } from './memory-question.js';

const ADAMW: OptimizerMoments = { count: 2, bits: 32 };

export function optimizerBytes(question: MemoryQuestion): number {
  const { trained, isFull, isFused, isNative, elementBytes } = question;
  const { keepsReference = false, hasOwnScales = false, perParameter = 0 } = question;
  // B in the order of experts, once more with a reference.
  const byExpert = (question.expertLora ?? 0) * (FLOAT + (keepsReference ? FLOAT : 0));
  const takesHalves = isFused && !isNative && elementBytes !== FLOAT;
  const halves = takesHalves ? 6 : 0;
  const factors = takesHalves && hasOwnScales ? FLOAT : 0;
  const reference = keepsReference ? 2 * FLOAT + halves : 0;
  const held = (isFull ? 4 : 3) + perParameter;
  return trained * (FLOAT * held + momentBytes(question) + halves + factors + reference) + byExpert;
}

/** Of a parameter. In 8 bits a block of 256 has a scale. */
const momentBytes = ({ moments: { count, bits } = ADAMW }: MemoryQuestion): number =>
  count * (bits === 32 ? FLOAT : 1 + FLOAT / 256);

/** Tensors of a piece's size that an update holds beside its result, by the bits of a moment. */
const PIECE_COPIES = { 32: 2, 8: 6 } as const;

/**
 * An update has its gradient, the results of its pieces, and what the last piece is worked on with, or what they are
 * joined in. Lion, of one moment, has its direction too.
 */
export function updateBytes(question: MemoryQuestion): number {
  const { trained, isFull, isOnGpu, moments: { count, bits } = ADAMW } = question;
  const piece = Math.min(trained, PIECE[isOnGpu ? 'cuda' : 'cpu']);
  const copies = PIECE_COPIES[bits] + (count === 1 ? 1 : 0);
  return FLOAT * ((isFull ? 0 : trained) + Math.max(trained, copies * piece));
}
