/** What the forms of an OpenAI-compatible server have in common: one completion asked for, and what came. */
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import type { FinishReason, PromptRequest, SamplingParams } from '../types.js';

/** `completions` sends token ids; `chat` and `responses` send messages, which the server renders. */
export type RemoteApi = 'completions' | 'chat' | 'responses';

export interface RemoteAnswer {
  readonly text: string;
  /** As sampled; empty where the server does not say. */
  readonly ids: number[];
  /** Of each token, as the server defines it; empty where it does not say. */
  readonly logprobs: Float32Array;
  readonly finishReason: FinishReason;
  /** What the model thought, where the server sets it apart. */
  readonly reasoning: string | null;
  readonly usage: RemoteUsage;
}

interface RemoteUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Part of `completionTokens`. */
  readonly reasoningTokens: number | null;
}

export interface RemoteCall {
  readonly model: string;
  readonly request: PromptRequest;
  readonly params: SamplingParams;
  readonly seed: number;
  /** Fields of the server that have no parameter here, e.g. `response_format` or `reasoning`. */
  readonly extra: JsonRow;
}

export interface ApiForm {
  readonly path: string;
  body(call: RemoteCall): JsonRow;
  /** @throws Error naming what the answer lacks */
  answer(body: JsonRow): RemoteAnswer;
}

export const rowOf = (value: unknown): JsonRow => (isObject(value) ? value : {});

export const listOf = (value: unknown): JsonRow[] => (Array.isArray(value) ? value.map(rowOf) : []);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const countOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

const FINISH: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  tool_calls: 'stop',
  length: 'length',
  max_output_tokens: 'length',
  max_tokens: 'length',
  content_filter: 'content_filter',
  abort: 'aborted',
};

/** @throws Error for a reason that is no end of a completion, as `error` */
export function finishOf(reason: unknown): FinishReason {
  const known = FINISH[textOf(reason)];
  if (known !== undefined) return known;
  throw new Error(
    reason == null
      ? 'its answer does not say how the completion ended (finish_reason)'
      : `the completion ended by ${JSON.stringify(reason)}`,
  );
}

/** Log-probabilities of the tokens, none where one of them is missing. */
export function logprobsOf(values: readonly unknown[]): Float32Array {
  return values.every((value) => typeof value === 'number')
    ? Float32Array.from(values as number[])
    : new Float32Array(0);
}

export const idsOf = (value: unknown): number[] =>
  Array.isArray(value) && value.every((id) => Number.isInteger(id)) ? [...value] : [];

/**
 * Whether further fields ask for an effort. OpenAI's models that reason take `max_completion_tokens` alone, no
 * `logprobs`, and no temperature but the 1 that is not said.
 */
export const asksEffort = ({ reasoning_effort: effort, reasoning }: JsonRow): boolean =>
  (effort ?? rowOf(reasoning).effort ?? null) !== null;

/** Sampling parameters by their names in the OpenAI and vLLM interfaces; defaults are left out. */
export function samplingFields({ params, extra }: Pick<RemoteCall, 'params' | 'extra'>): JsonRow {
  const { temperature, topK, topP, minP, repetitionPenalty, minNewTokens } = params;
  return {
    ...((temperature !== 1 || !asksEffort(extra)) && { temperature }),
    ...(topP < 1 && { top_p: topP }),
    ...(topK > 0 && { top_k: topK }),
    ...(minP > 0 && { min_p: minP }),
    ...(repetitionPenalty !== 1 && { repetition_penalty: repetitionPenalty }),
    ...(minNewTokens > 0 && { min_tokens: minNewTokens }),
    ...(params.stopStrings.length > 0 && { stop: [...params.stopStrings] }),
    ...(params.stopIds.length > 0 && { stop_token_ids: [...params.stopIds] }),
    ...(params.logitBias.size > 0 && { logit_bias: Object.fromEntries(params.logitBias) }),
  };
}
