/**
 * Completions that lose and that the policy has moved away from since they were sampled teach nothing (DeepSeek-V3.2,
 * arXiv 2512.02556, eq. 9): A < 0, and mean(log π_sampler − log π) of their tokens above a threshold.
 */
import { stopGradient, type Tensor, tf } from '../tensor/index.js';
import { meanOfOwner, type Owners } from './sequences.js';

interface OffPolicyBatch extends Owners {
  /** `[M]` advantage of each token's completion. */
  readonly advantages: Float32Array;
  /** `[M]` the sampler's log p of each token over the whole vocabulary. */
  readonly sampledLogps: Float32Array;
}

/** @param logps `[M]` @returns `[M]` 1 for tokens that are learnt from, else 0; no gradient */
export function onPolicyTokens(logps: Tensor, batch: OffPolicyBatch, threshold: number): Tensor {
  return stopGradient(logps, (live) => {
    const gaps = tf.tensor1d(batch.sampledLogps).sub(live);
    const isNear = tf.lessEqual(meanOfOwner(gaps, batch), threshold);
    const gains = tf.greaterEqual(tf.tensor1d(batch.advantages), 0);
    return tf.logicalOr(gains, isNear).cast('float32');
  });
}
