/** Rewards: pure graders of completions, their registry, and the parsing they share. */
export { goldOf } from './correctness.js';
export {
  answerAfter,
  flexibleAnswer,
  goldAnswer,
  goldReasoning,
  strictAnswer,
} from './extract.js';
export { followsFormat } from './format.js';
export { checkGold, type GoldCheck, reasoningOf, referenceCompletion } from './gold.js';
export { extractBoxed } from './math/boxed.js';
export { answerKey, type EquivalenceOptions, mathEquivalent } from './math/equivalence.js';
export {
  type Extraction,
  type ExtractionMethod,
  type ExtractionOptions,
  extractAnswer,
  extractHashes,
  extractLastNumber,
  extractPhrase,
  extractTagged,
} from './math/extract.js';
export { numbersEqual, parseNumber } from './numbers.js';
export {
  type Grade,
  type Grader,
  makeRewards,
  type RewardPart,
  type RewardSpec,
  type RewardStatus,
} from './registry.js';
export {
  type AnswerTags,
  checkTags,
  DEFAULT_TAGS,
  parseResponse,
  type Response,
} from './response.js';
export type { Reward, RewardFactory, RewardOptions, RewardRow } from './reward.js';
