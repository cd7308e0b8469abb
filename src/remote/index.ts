/** Training services: OpenAI's fine-tuning jobs, and Tinker's training API. */
export { type FineTuningClient, MARKER_KEY } from './openai/client.js';
export { checkGraderTypes, itemFields } from './openai/grader.js';
export { type JobOptions, jobRequest } from './openai/request.js';
export { type Upload, uploadOf } from './openai/rows.js';
export { openService } from './openai/service.js';
export { refreshJob, watchJob } from './openai/watch.js';
export { forwardBackward } from './tinker/accumulate.js';
export {
  type AdamParams,
  type LossOutput,
  openSession,
  type TinkerModel,
  type TinkerSampler,
  type TinkerSession,
} from './tinker/client.js';
export {
  crossEntropyData,
  type MaskedTokens,
  policyGradientData,
  trainedTokens,
} from './tinker/data.js';
