/**
 * Group-relative policy optimization (Shao et al. 2024) in the clipped form, per token t:
 * l = −w·min(ρA, clip(ρ, 1−ε, 1+ε_high)·A) + β·k3, ρ = π/π_old, k3 = e^{r−p} − (r−p) − 1 with p, r the
 * policy's and the reference's log p (Schulman 2020); the loss is Σ c·l with a coefficient c per token.
 * The coefficients carry the normalisation (`tokenCoefficient`), w corrects for rollouts that were
 * sampled by a slightly different policy (`samplingCorrection`).
 */
import { stopGradient, type Tensor, tf } from '../tensor/index.js';
import { type SampledBy, samplingCorrection } from './sampling-correction.js';
import { type LossOutput, logpsOf, tokenMetrics } from './token-columns.js';

export interface GrpoBatch {
  /** `[M]` advantage of each token's completion. */
  readonly advantages: Float32Array;
  /** `[M]` normalisation, see `tokenCoefficient`. */
  readonly coefficients: Float32Array;
  /** `[M]` log p under the policy that the ratio is taken to; null: the current one (ρ = 1). */
  readonly oldLogps: Float32Array | null;
  /** `[M]` log p under the reference; null when β = 0. */
  readonly referenceLogps: Float32Array | null;
  /** The sampler's own log p; null: no correction. */
  readonly sampledBy: SampledBy | null;
}

export interface GrpoOptions {
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly beta: number;
  /** Completion tokens of the whole optimizer step. */
  readonly totalTokens: number;
}

/** @param scores `[M, 3]` token scores of the completions' tokens. */
export function grpoLoss(scores: Tensor, batch: GrpoBatch, options: GrpoOptions): LossOutput {
  const { epsilon, epsilonHigh, beta, totalTokens } = options;
  const logps = logpsOf(scores);
  const old = batch.oldLogps === null ? stopGradient(logps) : tf.tensor1d(batch.oldLogps);
  const advantages = tf.tensor1d(batch.advantages);
  const ratio = tf.exp(logps.sub(old));
  const clipped = tf.clipByValue(ratio, 1 - epsilon, 1 + epsilonHigh).mul(advantages);
  let perToken: Tensor = tf.neg(tf.minimum(ratio.mul(advantages), clipped));
  if (batch.sampledBy !== null) perToken = perToken.mul(samplingCorrection(old, batch.sampledBy));
  const mean = (x: Tensor) => tf.sum(x.cast('float32')).div(totalTokens);
  const low = tf.logicalAnd(tf.less(ratio, 1 - epsilon), tf.less(advantages, 0));
  const high = tf.logicalAnd(tf.greater(ratio, 1 + epsilonHigh), tf.greater(advantages, 0));
  const metrics: Record<string, Tensor> = {
    ...tokenMetrics(scores, totalTokens),
    'clip_ratio/low_mean': mean(low),
    'clip_ratio/high_mean': mean(high),
    'clip_ratio/region_mean': mean(tf.logicalOr(low, high)),
  };
  if (batch.referenceLogps !== null) {
    const gap = tf.tensor1d(batch.referenceLogps).sub(logps);
    const kl = tf.exp(gap).sub(gap).sub(1);
    metrics.kl = mean(kl);
    perToken = perToken.add(kl.mul(beta));
  }
  return { loss: tf.sum(perToken.mul(tf.tensor1d(batch.coefficients))), metrics };
}
