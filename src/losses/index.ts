/** Losses: pure functions on token scores → `{ loss, metrics }`. */
export { type DpoBatch, type DpoOptions, dpoLoss, type WeightedLoss } from './dpo.js';
export type { Divergence } from './f-divergence.js';
export {
  type GrpoBatch,
  type GrpoOptions,
  grpoColumns,
  grpoLoss,
  type ImportanceSamplingLevel,
} from './grpo.js';
export {
  areEqual,
  decoupledAdvantages,
  type GrpoLossType,
  groupAdvantages,
  type ScaleRewards,
  type StepTotals,
  standardDeviation,
  tokenCoefficient,
  type WeightedRewards,
} from './grpo-normalisation.js';
export type { KlEstimator } from './kl-estimators.js';
export { type KtoBatch, type KtoOptions, klBaseline, ktoLoss } from './kto.js';
export { type DpoLossType, needsReference, type PairSettings } from './preference-terms.js';
export type { Correction, CorrectionMode, SampledBy } from './sampling-correction.js';
export { sharedLengthWeights } from './sequences.js';
export { type SftLossType, type SftOptions, sftColumns, sftLoss } from './sft.js';
export type { LossOutput } from './token-columns.js';
