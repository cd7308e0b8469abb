/** Losses: pure functions on token scores → `{ loss, metrics }`. */
export { dpoLoss, dpoMetrics, type WeightedLoss } from './dpo.js';
export { type GrpoOptions, grpoColumns, grpoLoss } from './grpo.js';
export {
  decoupledAdvantages,
  type GrpoLossType,
  groupAdvantages,
  standardDeviation,
  tokenCoefficient,
} from './grpo-normalisation.js';
export { type KtoOptions, klBaseline, ktoLoss, ktoMetrics } from './kto.js';
export { balanceLoss } from './load-balancing.js';
export type { DpoLossType, PairSettings } from './preference-terms.js';
export { boundedWeight, type Correction, weighsSequences } from './sampling-correction.js';
export { sharedLengthWeights } from './sequences.js';
export { type SftOptions, sftColumns, sftLoss } from './sft.js';
export { type LossOutput, TOKEN_METRICS } from './token-columns.js';
