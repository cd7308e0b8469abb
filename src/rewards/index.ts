/** Rewards: pure graders of completions, their registry, and the parsing they share. */

export { extractBoxed, hasBoxedAnswer } from '../util/boxed.js';
export { type AsyncGrader, type AsyncReward, makeAsyncRewards } from './async-rewards.js';
export { goldOf } from './correctness.js';
export { flexibleAnswer, strictAnswer } from './extract.js';
export { readAnswer as readFactorization } from './factorization/answer.js';
export { isFactorization } from './factorization/check.js';
export { followsFormat } from './format.js';
export { checkGold, reasoningOf, referenceCompletion } from './gold.js';
export { compileGrader, type JsonGrader } from './graders/compile.js';
export {
  type GraderOutcome,
  type GradeStatus,
  GradeTimeout,
  hasFailed,
  passes,
  passThreshold,
  reaches,
} from './graders/outcome.js';
export { type GradedSample, gradedSample } from './graders/sample.js';
export { type GraderSpec, graderTypes } from './graders/spec.js';
export { compileTemplate } from './graders/template.js';
export type { GraderTools } from './graders/tools.js';
export { answerKey, mathEquivalent } from './math/equivalence.js';
export { extractAnswer } from './math/extract.js';
export { numbersEqual, parseNumber } from './numbers.js';
export { type Grade, type Grader, makeRewards, type RewardSpec } from './registry.js';
export { checkTags, parseResponse } from './response.js';
export type { Reward, RewardOptions, RewardRow } from './reward.js';
export { TEXT_SCORERS, type TextScorerName } from './text/answer-scorers.js';
export { FUZZ_SCORERS } from './text/fuzz.js';
export { defaultProcess } from './text/process.js';
export { openUserReward } from './user/user-reward.js';
