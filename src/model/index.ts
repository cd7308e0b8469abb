/** The decoder: architecture as data, LoRA, and the policy that trainers score and differentiate. */
export { type CollatedBatch, collate, type MaskedSequence, trainedTokens } from './collate.js';
export { readSpec, specFromConfig } from './families/index.js';
export { type InitOptions, randomWeights } from './init.js';
export {
  adapterFromLora,
  initialLora,
  type LoraPlan,
  loraFromAdapter,
  NO_LORA,
  planLora,
} from './lora.js';
export {
  type AdapterChoice,
  type Gradients,
  Policy,
  type PolicyOptions,
  type ScoreOptions,
  type TokenLoss,
} from './policy.js';
export type { TokenBatch } from './token-batch.js';
