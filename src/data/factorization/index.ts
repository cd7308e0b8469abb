/** The tiered set of numbers to factorize. */
export { FACTORIZATION_SCHEMA } from './answer-schema.js';
export { demonstration } from './demonstration.js';
export { type FactorizationSplit, SPLIT_NAMES, SPLIT_SHARES } from './numbers.js';
export { primeFactors } from './primes.js';
export {
  ENHANCED_PROMPT,
  type FactorizationRow,
  factorizationQuestion,
  type RowOptions,
} from './rows.js';
export { apportion, planTiers, type TierPlan } from './tiers.js';
export { isFactorization } from './verify.js';
