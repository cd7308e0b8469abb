/** The decoder: architecture as data, LoRA, and the policy that trainers score and differentiate. */
export {
  type CollatedBatch,
  collate,
  type MaskedSequence,
  promptKey,
  trainedTokens,
} from './collate.js';
export { decoderConfig, readSpec, specFromConfig } from './families/index.js';
export { fourBitBase } from './four-bit-base.js';
export { randomWeights } from './init.js';
export {
  adapterFromLora,
  checkTensors,
  isPlainPlan,
  type LoraPlan,
  loraFromAdapter,
  NO_LORA,
  planLora,
} from './lora.js';
export { baseLora, type LoraStart, startLora } from './lora-init.js';
export {
  largestMicroBatch,
  layersToCheckpoint,
  type MemoryPlan,
  memoryPlan,
} from './memory-plan.js';
export type { MemoryQuestion } from './memory-question.js';
export { type Merged, mergedView, mergedWeights } from './merge.js';
export { asPlainLora, parsePissa } from './pissa.js';
export { isPlain, plainView } from './plain-view.js';
export { Policy } from './policy.js';
export type {
  AdapterChoice,
  GradientOptions,
  PassSeconds,
  TokenLoss,
} from './policy-types.js';
export { untied } from './replaced.js';
export type { RouterUse } from './routers.js';
export { fromStored, storedShapes, toStored } from './stacked-experts.js';
export type { TokenBatch } from './token-batch.js';
export { trainingFlops } from './training-flops.js';
