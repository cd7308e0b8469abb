/** Losses: pure functions on token scores → `{ loss, metrics }`. */
export { type DpoBatch, type DpoLossType, type DpoOptions, dpoLoss } from './dpo.js';
export { type GrpoBatch, type GrpoOptions, grpoLoss } from './grpo.js';
export {
  type GrpoLossType,
  groupAdvantages,
  type ScaleRewards,
  type StepTotals,
  standardDeviation,
  tokenCoefficient,
} from './grpo-normalisation.js';
export type { CorrectionMode, SampledBy } from './sampling-correction.js';
export { sftLoss } from './sft.js';
export type { LossOutput } from './token-columns.js';
