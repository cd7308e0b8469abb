/** Preferences: completion rows into DPO pairs, problems into reasoning traces, arms and coherence. */
export {
  type BanditPolicy,
  dealArms,
  observe,
  type Posterior,
  recordOf,
} from './coherence/bandit.js';
export { perturb } from './coherence/perturb.js';
export {
  type CoherenceScores,
  coherenceReward,
  coherenceScores,
  type RewardWeights,
  type ScoreWeights,
  statedValues,
  unitReward,
} from './coherence/scores.js';
export {
  type CompletionRow,
  type PairOptions,
  type PairStats,
  pairsFromRollouts,
} from './pairs.js';
export { type TraceProblem, type TraceStats, traceProblem } from './trace-rows.js';
export { makeTraces, type TraceAttempt } from './traces.js';
