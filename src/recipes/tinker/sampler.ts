/** Weights at Tinker in the place of our own sampler, so that rollouts and evaluations are those of local training. */
import type { TinkerModel, TinkerSampler } from '../../remote/index.js';
import {
  type Completion,
  completionText,
  type GenerateOptions,
  type PromptRequest,
  type SamplingParams,
} from '../../rollout/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { Rng } from '../../util/rng.js';
import type { Generates } from '../evaluation/evaluate-model.js';

interface Weights {
  readonly sampler: TinkerSampler;
  /** What completions carry as `adapter`. */
  readonly version: string;
  readonly tokenizer: Tokenizer;
}

/** Samples from the weights as they are after `step` optimizer steps. */
export async function openTinkerSampler(
  model: TinkerModel,
  { step, tokenizer }: { readonly step: number; readonly tokenizer: Tokenizer },
): Promise<Generates> {
  const weights = {
    sampler: await model.sampler(),
    version: `${model.modelId}/${step}`,
    tokenizer,
  };
  return {
    adapterHash: weights.version,
    async generate(requests, params, options = {}) {
      const groups = requests.map((request) => sampled(weights, request, { params, options }));
      return (await Promise.all(groups)).flat();
    },
  };
}

interface Call {
  readonly params: SamplingParams;
  readonly options: GenerateOptions;
}

async function sampled(
  { sampler, version, tokenizer }: Weights,
  request: PromptRequest,
  { params, options: { signal, onCompletion } }: Call,
): Promise<Completion[]> {
  signal?.throwIfAborted();
  const { id: requestId, promptIds, n, maxNewTokens = params.maxNewTokens } = request;
  const started = performance.now();
  const sequences = await sampler.sample(promptIds, n, {
    max_tokens: Math.min(maxNewTokens, params.maxNewTokens),
    top_p: params.topP,
    temperature: params.temperature,
    top_k: params.topK === 0 ? -1 : params.topK,
    ...(params.stopStrings.length > 0 && { stop: params.stopStrings }),
    seed: request.seed ?? Rng.of(params.seed, 'tinker', requestId).int(0, 2 ** 31 - 1),
  });
  const seconds = (performance.now() - started) / 1000;
  return sequences.map(({ tokens, logprobs, stopReason }, sampleIndex) => {
    const ids = [...tokens];
    const spoken = tokenizer.eosIds.includes(ids.at(-1)!) ? ids.slice(0, -1) : ids;
    const completion: Completion = {
      requestId,
      sampleIndex,
      promptIds,
      ids,
      seconds,
      adapter: version,
      text: completionText(tokenizer, spoken, params.stopStrings),
      logprobs: Float32Array.from(logprobs),
      finishReason: stopReason,
    };
    onCompletion?.(completion);
    return completion;
  });
}
