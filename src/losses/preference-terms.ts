/**
 * Losses on preference pairs, one number per pair. s⁺, s⁻ are Σ log p of the chosen and the rejected
 * answer, m⁺, m⁻ their means over tokens, r = s − s_ref the log-ratios to the reference policy, d = r or what
 * another divergence than the reverse KL makes of it (f-divergence.ts), d̄ = d over tokens, Δ = d⁺ − d⁻, ε the
 * label smoothing, ℓ(x) = −log σ(x) = softplus(−x) (the gradient of
 * `tf.logSigmoid` reads a freed tensor), NLL the mean −log p over chosen tokens.
 *
 * | type | loss | source |
 * | --- | --- | --- |
 * | sigmoid | (1−ε)·ℓ(βΔ) + ε·ℓ(−βΔ) | Rafailov et al. 2023; ε: Mitchell 2023 (cDPO) |
 * | sigmoid_norm | ℓ(β(d̄⁺ − d̄⁻)) | length-normalised DPO (Lambert et al. 2024) |
 * | hinge | max(0, 1 − βΔ) | Zhao et al. 2023 (SLiC) |
 * | ipo | (d̄⁺ − d̄⁻ − 1/(2β))² | Azar et al. 2023 |
 * | robust | ((1−ε)·ℓ(βΔ) − ε·ℓ(−βΔ)) / (1−2ε) | Chowdhury et al. 2024 |
 * | exo_pair | KL(softmax(βd) ‖ (1−ε, ε)) | Ji et al. 2024, eq. 16 |
 * | nca_pair | ℓ(βr⁺) + ½ℓ(−βr⁺) + ½ℓ(−βr⁻) | Chen et al. 2024 |
 * | bco_pair | ℓ(βr⁺) + ℓ(−βr⁻) | Jung et al. 2024, without the running mean |
 * | sppo_hard | (r⁺ − 1/(2β))² + (r⁻ + 1/(2β))² | Wu et al. 2024 |
 * | apo_zero | σ(−βr⁺) + σ(βr⁻) | D'Oosterlinck et al. 2024, eq. 7 |
 * | apo_down | σ(βr⁺) + σ(−β(r⁺ − r⁻)) | the same, eq. 8 |
 * | discopop | ℓ(βΔ)·σ(−βΔ/τ) + e^(−βΔ)·σ(βΔ/τ) | Lu et al. 2024, eq. 5 |
 * | sft | NLL | Pang et al. 2024 (RPO), beside another type |
 * | aot | (1−ε)·ℓ(βx) + ε·ℓ(−βx), x = sort(s⁺ − s⁻) − sort(s⁺_ref − s⁻_ref) over the pairs | Melnyk et al. 2024 |
 * | aot_unpaired | the same of x = sort(r⁺) − sort(r⁻) | the same |
 * | simpo | (1−ε)·ℓ(x) + ε·ℓ(−x), x = β(m⁺ − m⁻) − γ | Meng et al. 2024 |
 * | cpo | (1−ε)·ℓ(x) + ε·ℓ(−x) + α·NLL, x = β(s⁺ − s⁻) | Xu et al. 2024 |
 * | orpo | NLL + β·ℓ(log odds(m⁺) − log odds(m⁻)), log odds(m) = m − log(1 − eᵐ) | Hong et al. 2024 |
 */
import { gather, type Tensor, tf } from '../tensor/index.js';
import { needsReference } from '../util/reference-free.js';
import type { Divergence } from './f-divergence.js';

/** `[P]` each. */
export interface PairSide {
  readonly sum: Tensor;
  readonly mean: Tensor;
  readonly ratio: Tensor;
  /** d. */
  readonly score: Tensor;
  readonly meanScore: Tensor;
}

export interface PairSides {
  readonly chosen: PairSide;
  readonly rejected: PairSide;
  /** −Σ log p of each chosen answer, scaled so that its sum over pairs / pairs is the mean over tokens. */
  readonly nll: Tensor;
}

export interface PairSettings {
  readonly beta: number;
  readonly labelSmoothing: number;
  /** What keeps answers near the reference; default: the reverse KL. Losses on d read it. */
  readonly divergence?: Divergence;
  /** Margin γ of `simpo`. */
  readonly simpoGamma: number;
  /** Weight α of the NLL in `cpo`. */
  readonly cpoAlpha: number;
  /** Width τ of the step from one half of `discopop` to the other. */
  readonly discopopTau: number;
}

type PairTerm = (sides: PairSides, settings: PairSettings) => Tensor;

/** −log σ(x) */
const logistic = (x: Tensor): Tensor => tf.softplus(tf.neg(x));
const smoothed = (x: Tensor, epsilon: number): Tensor =>
  epsilon === 0
    ? logistic(x)
    : logistic(x)
        .mul(1 - epsilon)
        .add(tf.softplus(x).mul(epsilon));
const margin = ({ chosen, rejected }: PairSides, of: keyof PairSide): Tensor =>
  chosen[of].sub(rejected[of]);
/** In the same order as any other. */
const sorted = (x: Tensor): Tensor => gather(x, tf.topk(x, x.size).indices);
/** log(p/(1 − p)) of p = eᵐ, with 1 − eᵐ = −expm1(m). */
const logOdds = (m: Tensor): Tensor => m.sub(tf.log(tf.neg(tf.expm1(m))));

/** Gives the terms their named type, so that declarations name no package that is not listed. */
const termsByName = <Name extends string>(
  terms: Readonly<Record<Name, PairTerm>>,
): Readonly<Record<Name, PairTerm>> => terms;

export const PAIR_TERMS = termsByName({
  sigmoid: (sides, { beta, labelSmoothing }) =>
    smoothed(margin(sides, 'score').mul(beta), labelSmoothing),
  sigmoid_norm: (sides, { beta }) => logistic(margin(sides, 'meanScore').mul(beta)),
  hinge: (sides, { beta }) => tf.relu(tf.scalar(1).sub(margin(sides, 'score').mul(beta))),
  ipo: (sides, { beta }) => tf.square(margin(sides, 'meanScore').sub(1 / (2 * beta))),
  robust: (sides, { beta, labelSmoothing: epsilon }) => {
    const x = margin(sides, 'score').mul(beta);
    const kept = logistic(x).mul(1 - epsilon);
    return kept.sub(tf.softplus(x).mul(epsilon)).div(1 - 2 * epsilon);
  },
  exo_pair: (sides, { beta, labelSmoothing: epsilon }) => {
    const x = margin(sides, 'score').mul(beta);
    const [won, lost] = [tf.sigmoid(x), tf.sigmoid(tf.neg(x))];
    const first = won.mul(tf.neg(logistic(x)).sub(Math.log1p(-epsilon)));
    return first.add(lost.mul(tf.neg(tf.softplus(x)).sub(Math.log(epsilon))));
  },
  nca_pair: ({ chosen, rejected }, { beta }) => {
    const [up, down] = [chosen.ratio.mul(beta), rejected.ratio.mul(beta)];
    return logistic(up).add(tf.softplus(up).add(tf.softplus(down)).mul(0.5));
  },
  bco_pair: ({ chosen, rejected }, { beta }) =>
    logistic(chosen.ratio.mul(beta)).add(tf.softplus(rejected.ratio.mul(beta))),
  sppo_hard: ({ chosen, rejected }, { beta }) => {
    const target = 1 / (2 * beta);
    return tf.square(chosen.ratio.sub(target)).add(tf.square(rejected.ratio.add(target)));
  },
  apo_zero: ({ chosen, rejected }, { beta }) =>
    tf.sigmoid(chosen.ratio.mul(-beta)).add(tf.sigmoid(rejected.ratio.mul(beta))),
  apo_down: (sides, { beta }) =>
    tf.sigmoid(sides.chosen.ratio.mul(beta)).add(tf.sigmoid(margin(sides, 'ratio').mul(-beta))),
  discopop: (sides, { beta, discopopTau }) => {
    const x = margin(sides, 'score').mul(beta);
    const step = x.div(discopopTau);
    // In one exponent, as e⁻ˣ overflows where its weight vanishes.
    const exponential = tf.exp(tf.neg(x.add(logistic(step))));
    return logistic(x)
      .mul(tf.sigmoid(tf.neg(step)))
      .add(exponential);
  },
  aot: (sides, { beta, labelSmoothing }) => {
    const policy = margin(sides, 'sum');
    const reference = policy.sub(margin(sides, 'ratio'));
    return smoothed(sorted(policy).sub(sorted(reference)).mul(beta), labelSmoothing);
  },
  aot_unpaired: ({ chosen, rejected }, { beta, labelSmoothing }) =>
    smoothed(sorted(chosen.ratio).sub(sorted(rejected.ratio)).mul(beta), labelSmoothing),
  sft: ({ nll }) => nll,
  simpo: (sides, { beta, labelSmoothing, simpoGamma }) =>
    smoothed(margin(sides, 'mean').mul(beta).sub(simpoGamma), labelSmoothing),
  cpo: (sides, { beta, labelSmoothing, cpoAlpha }) =>
    smoothed(margin(sides, 'sum').mul(beta), labelSmoothing).add(sides.nll.mul(cpoAlpha)),
  orpo: ({ chosen, rejected, nll }, { beta }) =>
    nll.add(logistic(logOdds(chosen.mean).sub(logOdds(rejected.mean))).mul(beta)),
});

export type DpoLossType = keyof typeof PAIR_TERMS;

/** Whether the rewards that are logged are means over tokens: those of SimPO and ORPO. */
export const rewardsAreMeans = (types: readonly DpoLossType[]): boolean =>
  !needsReference(types) && types.some((type) => type === 'simpo' || type === 'orpo');
