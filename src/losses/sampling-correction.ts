/**
 * Importance weights π_trainer/π_sampler of rollout tokens, bounded by a cap, and on request a floor: cut to
 * them (`truncate`: Yao et al. 2025, truncated importance sampling) or set to zero outside (`mask`); by token,
 * or once for the whole completion. They carry no gradient. Both sides are the whole softmax at the temperature, so that
 * the weights are 1 where trainer and sampler agree; that filters kept tokens from being drawn is not
 * corrected for.
 */
import { stopGradient, type Tensor, tf } from '../tensor/index.js';
import { type Owners, sumOfOwner } from './sequences.js';

export type CorrectionMode =
  | 'token_truncate'
  | 'token_mask'
  | 'sequence_truncate'
  | 'sequence_mask';

export interface Correction {
  readonly mode: CorrectionMode;
  /** Largest weight; null: the largest float32, as an infinite one would make the loss so. */
  readonly cap: number | null;
  /** Smallest weight; null: none. */
  readonly floor: number | null;
}

export interface SampledBy extends Correction {
  /** `[M]` the sampler's log p of each token over the whole vocabulary. */
  readonly logps: Float32Array;
}

const FLOAT32_MAX = 3.4028234663852886e38;

/** @param trainer `[M]` log p by the trainer. @returns `[M]`, constant to the gradient. */
export function samplingCorrection(trainer: Tensor, sampledBy: SampledBy, owners: Owners): Tensor {
  return stopGradient(trainer, (logps) => boundedRatio(logps, sampledBy, owners));
}

/** Whether the weight is that of a whole completion. */
export const weighsSequences = ({ mode }: Correction): boolean =>
  mode === 'sequence_truncate' || mode === 'sequence_mask';

const truncates = ({ mode }: Correction): boolean =>
  mode === 'token_truncate' || mode === 'sequence_truncate';

/** The weight of one token, or completion, as `samplingCorrection` has it. @param gap Δ log p, of all its tokens */
export function boundedWeight(gap: number, correction: Correction): number {
  const ratio = Math.exp(gap);
  const [least, cap] = [correction.floor ?? 0, correction.cap ?? FLOAT32_MAX];
  if (truncates(correction)) return Math.max(least, Math.min(ratio, cap));
  return ratio <= cap && ratio >= least ? ratio : 0;
}

function boundedRatio(trainer: Tensor, sampledBy: SampledBy, owners: Owners): Tensor {
  const { floor, logps } = sampledBy;
  const cap = sampledBy.cap ?? FLOAT32_MAX;
  const gaps = trainer.sub(tf.tensor1d(logps));
  const sums = weighsSequences(sampledBy) ? sumOfOwner(gaps, owners) : gaps;
  const ratio = tf.exp(sums);
  if (truncates(sampledBy)) {
    const below = tf.minimum(ratio, cap);
    return floor === null ? below : tf.maximum(below, floor);
  }
  const isBelow = tf.lessEqual(ratio, cap);
  const isInside = floor === null ? isBelow : tf.logicalAnd(isBelow, tf.greaterEqual(ratio, floor));
  // No product: a ratio beyond float32 is infinite, and 0 times that no number.
  return tf.where(isInside, ratio, tf.zerosLike(ratio));
}
