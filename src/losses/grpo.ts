/**
 * Group-relative policy optimization (Shao et al. 2024), per token t:
 * l = −w·min(min(ρ, δ)·A, clip(ρ, 1−ε, 1+ε_high)·A) + β·KL − c_H·H, the loss Σ c·l with a coefficient c per
 * token (`tokenCoefficient` carries the normalisation).
 * - ρ = π/π_old of the token, or the geometric mean of its completion's (GSPO, Zheng et al. 2025);
 * - δ bounds ρ where A < 0 would let it grow (two-sided clipping, Prime Intellect 2025);
 * - `cispo` (MiniMax 2025) keeps every token's gradient: l = −w·sg(min(ρ, ε_high))·A·log π;
 * - `sapo` (Gao et al. 2025) has a gate in place of the clip: l = −w·4/τ·σ(τ(ρ − 1))·A, whose slope at ρ = 1
 *   is that of ρ·A; τ is one number where A > 0 and another elsewhere;
 * - w corrects for rollouts of a slightly different policy (`samplingCorrection`);
 * - with a threshold, completions that lose and are off-policy are left out of the policy term (`onPolicyTokens`);
 * - KL is an estimate from the token (`KL_ESTIMATORS`), weighed by ρ on request (`klWeighed`);
 * - with ρ_H < 1 only the tokens of highest entropy learn by the policy term and by H (Wang et al. 2025, arXiv
 *   2506.01939): those at or above the quantile 1 − ρ_H of the micro-batch, as in TRL;
 * - H, the entropy of the policy, is a mean over all tokens of the step, whatever the normalisation.
 */
import { type GradientColumn, stopGradient, type Tensor, tf } from '../tensor/index.js';
import { KL_ESTIMATORS, type KlEstimator } from './kl-estimators.js';
import { onPolicyTokens } from './off-policy-mask.js';
import { type SampledBy, samplingCorrection } from './sampling-correction.js';
import { meanOfOwner, type Owners, sequenceLengths } from './sequences.js';
import { entropiesOf, type LossOutput, logpsOf, tokenMetrics } from './token-columns.js';

export type ImportanceSamplingLevel = 'token' | 'sequence';

/** Of a micro-batch; its sequences are completions. */
export interface GrpoBatch extends Owners {
  /** `[M]` advantage of each token's completion. */
  readonly advantages: Float32Array;
  /** `[M]` normalisation, see `tokenCoefficient`. */
  readonly coefficients: Float32Array;
  /** `[M]` log p under the policy that the ratio is taken to; null: the current one (ρ = 1). */
  readonly oldLogps: Float32Array | null;
  /** `[M]` log p under the reference; null when β = 0. */
  readonly referenceLogps: Float32Array | null;
  /** The sampler's log p; null: no correction. */
  readonly sampledBy: SampledBy | null;
  /** `[M]` the same where completions may be off-policy; null: nothing is left out. */
  readonly sampledLogps?: Float32Array | null;
}

/** τ where the advantage is above 0, and elsewhere. */
interface SapoTemperatures {
  readonly positive: number;
  readonly negative: number;
}

export interface GrpoOptions {
  /** `clip`, or the form of `cispo` or `sapo`. */
  readonly objective: 'clip' | 'cispo' | 'sapo';
  /** τ of `sapo`. */
  readonly sapo: SapoTemperatures;
  readonly importanceSamplingLevel: ImportanceSamplingLevel;
  readonly epsilon: number;
  /** With `cispo` the largest weight itself. */
  readonly epsilonHigh: number;
  /** Upper bound δ of ρ; null: none. */
  readonly delta: number | null;
  readonly beta: number;
  readonly klEstimator: KlEstimator;
  /**
   * Multiplies the estimate by ρ, also in the gradient, which is then that of the reverse KL divergence for k1 and
   * k3 (DeepSeek-V3.2, arXiv 2512.02556); k2 has that gradient without it, and is left alone.
   */
  readonly klWeighed: boolean;
  /** Of `onPolicyTokens`, nats; null, the default: nothing is left out. */
  readonly offPolicyThreshold?: number | null;
  /** c_H */
  readonly entropyCoef: number;
  /** ρ_H; 1, the default, keeps all tokens. */
  readonly topEntropyQuantile?: number;
  /** Completion tokens of the whole optimizer step, and its completions, also those that are masked. */
  readonly totalTokens: number;
  readonly totalSequences: number;
}

/** The score columns that the loss depends on. */
export const grpoColumns = (
  options: Pick<GrpoOptions, 'entropyCoef'>,
): readonly GradientColumn[] => (options.entropyCoef === 0 ? ['logp'] : ['logp', 'entropy']);

/** `[M]` each. */
type Columns = Readonly<Record<'logps' | 'ratio' | 'advantages', Tensor>>;

/** Tokens where the gradient is cut, by side, as metrics. */
function clipMetrics(
  { ratio, advantages }: Columns,
  { objective, epsilon, epsilonHigh }: GrpoOptions,
  mean: (x: Tensor) => Tensor,
): Record<string, Tensor> {
  if (objective === 'sapo') return {};
  const gains = tf.greater(advantages, 0);
  if (objective === 'cispo') {
    return { cispo_clip_ratio: mean(tf.logicalAnd(tf.greater(ratio, epsilonHigh), gains)) };
  }
  const low = tf.logicalAnd(tf.less(ratio, 1 - epsilon), tf.less(advantages, 0));
  const high = tf.logicalAnd(tf.greater(ratio, 1 + epsilonHigh), gains);
  return {
    'clip_ratio/low_mean': mean(low),
    'clip_ratio/high_mean': mean(high),
    'clip_ratio/region_mean': mean(tf.logicalOr(low, high)),
  };
}

/** 4/τ·σ(τ(ρ − 1)) */
function gate(ratio: Tensor, advantages: Tensor, { positive, negative }: SapoTemperatures): Tensor {
  const gains = tf.greater(advantages, 0).cast('float32');
  const tau = gains.mul(positive - negative).add(negative);
  return tf
    .sigmoid(tau.mul(ratio.sub(1)))
    .mul(4)
    .div(tau);
}

function policyLoss(
  { logps, ratio, advantages }: Columns,
  { objective, epsilon, epsilonHigh, delta, sapo }: GrpoOptions,
): Tensor {
  if (objective === 'sapo') return tf.neg(gate(ratio, advantages, sapo).mul(advantages));
  if (objective === 'cispo') {
    const weights = stopGradient(ratio, (x) => tf.minimum(x, epsilonHigh));
    return tf.neg(weights.mul(advantages).mul(logps));
  }
  const clipped = tf.clipByValue(ratio, 1 - epsilon, 1 + epsilonHigh).mul(advantages);
  const bounded = delta === null ? ratio : tf.minimum(ratio, delta);
  return tf.neg(tf.minimum(bounded.mul(advantages), clipped));
}

/** 1 for the tokens whose entropy is at or above its quantile 1 − `top`, else 0. @returns `[M]`, no gradient */
function highEntropy(entropies: Tensor, top: number): Tensor {
  return stopGradient(entropies, (x) => {
    const { values } = tf.topk(x, x.size);
    const place = top * (x.size - 1);
    const above = Math.floor(place);
    const [high, low] = [above, Math.min(above + 1, x.size - 1)].map((i) => tf.slice(values, i, 1));
    const threshold = high!.add(low!.sub(high!).mul(place - above));
    return tf.greaterEqual(x, threshold).cast('float32');
  });
}

/** Mean over tokens of the step, or over its completions when ρ is one number for each. */
function meanBy(batch: GrpoBatch, options: GrpoOptions): (x: Tensor) => Tensor {
  if (options.importanceSamplingLevel === 'token') {
    return (x) => tf.sum(x.cast('float32')).div(options.totalTokens);
  }
  const lengths = sequenceLengths(batch.sequences, batch.count);
  const shares = Float32Array.from(batch.sequences, (sequence) => 1 / lengths[sequence]!);
  return (x) => tf.sum(x.cast('float32').mul(tf.tensor1d(shares))).div(options.totalSequences);
}

/** Of all tokens; where some are kept, their mean stands for the others. */
const summedEntropy = (entropies: Tensor, kept: Tensor | null): Tensor =>
  kept === null
    ? tf.sum(entropies)
    : tf.sum(entropies.mul(kept)).div(tf.sum(kept)).mul(entropies.size);

/** @param scores `[M, 3]` token scores of the completions' tokens, with the columns of `grpoColumns`. */
export function grpoLoss(scores: Tensor, batch: GrpoBatch, options: GrpoOptions): LossOutput {
  const { beta, entropyCoef, totalTokens, topEntropyQuantile: top = 1 } = options;
  const { offPolicyThreshold = null } = options;
  const logps = logpsOf(scores);
  const old = batch.oldLogps === null ? stopGradient(logps) : tf.tensor1d(batch.oldLogps);
  const advantages = tf.tensor1d(batch.advantages);
  const gaps = logps.sub(old);
  const ofTokens = options.importanceSamplingLevel === 'token';
  const ratio = tf.exp(ofTokens ? gaps : meanOfOwner(gaps, batch));
  const columns = { logps, ratio, advantages };
  let perToken = policyLoss(columns, options);
  const { sampledLogps = null } = batch;
  if (offPolicyThreshold !== null && sampledLogps !== null) {
    const near = onPolicyTokens(logps, { ...batch, sampledLogps }, offPolicyThreshold);
    perToken = perToken.mul(near);
  }
  const kept = top < 1 ? highEntropy(entropiesOf(scores), top) : null;
  if (kept !== null) perToken = perToken.mul(kept);
  if (batch.sampledBy !== null) {
    perToken = perToken.mul(samplingCorrection(old, batch.sampledBy, batch));
  }
  const metrics: Record<string, Tensor> = {
    ...tokenMetrics(scores, totalTokens),
    ...clipMetrics(columns, options, meanBy(batch, options)),
  };
  if (batch.referenceLogps !== null) {
    const toReference = tf.tensor1d(batch.referenceLogps).sub(logps);
    const estimate = KL_ESTIMATORS[options.klEstimator](toReference);
    const isWeighed = options.klWeighed && options.klEstimator !== 'k2';
    const kl = isWeighed ? estimate.mul(ratio) : estimate;
    metrics.kl = tf.sum(kl).div(totalTokens);
    perToken = perToken.add(kl.mul(beta));
  }
  const loss = tf.sum(perToken.mul(tf.tensor1d(batch.coefficients)));
  if (entropyCoef === 0) return { loss, metrics };
  const entropy = summedEntropy(entropiesOf(scores), kept).div(totalTokens);
  return { loss: loss.sub(entropy.mul(entropyCoef)), metrics: { ...metrics, policy_loss: loss } };
}
