/** The tiered set of numbers to factorize. */
export { FACTORIZATION_ALGORITHMS } from './algorithms.js';
export { demonstration } from './demonstration.js';
export { type FactorizationSplit, SPLIT_NAMES, SPLIT_SHARES } from './numbers.js';
export { primeFactors } from './primes.js';
export type { FactorizationRow } from './rows.js';
export { apportion, planTiers, type TierPlan } from './tiers.js';
export { isFactorization } from './verify.js';
