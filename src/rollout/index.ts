/** Batched generation on ONNX Runtime. */
export { createChildSampler } from './child/child-sampler.js';
export { createOnnxSampler } from './engine/onnx-sampler.js';
export {
  createReferenceSampler,
  type ReferenceModel,
} from './engine/reference-sampler.js';
export { checkRequests } from './engine/requests.js';
export type { KernelOptions, OnnxSamplerOptions } from './engine/sampler-options.js';
export { checkVersion } from './freshness.js';
export { checkSampledModel } from './graph/limits.js';
export type { RolloutDevice } from './ort/provider.js';

export {
  createRemoteSampler,
  type RemoteCompletion,
  type RemoteSampler,
} from './remote/remote-sampler.js';
export {
  checkSamplingParams,
  PENALTY_RANGE,
  PLAIN_SAMPLING,
} from './sampling/params.js';
export { completionText } from './sampling/stop-matcher.js';
export { TextStream } from './sampling/text-stream.js';
export { schemaGrammar } from './structured/json-schema.js';
export { schemaConstraint } from './structured/schema-constraint.js';
export { tokenConstraint } from './structured/token-constraint.js';
export type {
  Completion,
  FinishReason,
  GenerateOptions,
  PromptRequest,
  RolloutSampler,
  Sampler,
  SamplingParams,
  StreamRequest,
  StreamToken,
  TokenConstraint,
  TokenLogprob,
} from './types.js';
