/** What a call may ask for. */
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { checkSamplingParams } from '../sampling/params.js';
import type { Completion, PromptRequest, StreamRequest } from '../types.js';

export interface RequestLimits {
  readonly vocabSize: number;
  /** Prompt and completion together, in tokens. */
  readonly maxContext: number;
}

/** Numbers of the completions that a request asks for. */
export function sampleIndices({ n, samples }: PromptRequest): readonly number[] {
  return samples ?? Array.from({ length: n }, (_, index) => index);
}

/** @param options.ids Those of the requests before these; gets those of these. @throws InputError naming the request. */
export function checkRequests(
  requests: readonly StreamRequest[],
  { ids = new Set(), ...limits }: RequestLimits & { readonly ids?: Set<string> },
): void {
  for (const { id, promptIds, n, samples, maxNewTokens = 1, params } of requests) {
    const where = `request ${id}`;
    if (samples !== undefined && new Set(samples).size !== n) {
      throw new InputError({ where, problem: `samples ${samples.join(', ')} are not ${n}` });
    }
    if (ids.has(id)) {
      throw new InputError({
        where,
        problem: 'the id occurs twice',
        remedy: 'Ids name the random streams and must differ; use n for more completions',
      });
    }
    ids.add(id);
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new InputError({ where, problem: `n is ${n}, expected a whole number of at least 1` });
    }
    if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 1) {
      const problem = `maxNewTokens is ${maxNewTokens}, expected a whole number of at least 1`;
      throw new InputError({ where, problem });
    }
    if (params !== undefined) checkSamplingParams(params, limits.vocabSize);
    if (promptIds.length === 0) throw new InputError({ where, problem: 'the prompt is empty' });
    checkIds(where, promptIds, limits.vocabSize);
    if (promptIds.length >= limits.maxContext) {
      throw new InputError({
        where,
        problem: `the prompt has ${counted(promptIds.length, 'token')}, the context holds ${limits.maxContext}`,
        remedy: 'Shorten the prompt or raise the context length',
      });
    }
  }
}

/** @throws InputError naming the sequence. */
export function checkSequences(
  sequences: readonly (readonly number[])[],
  { vocabSize, maxContext }: RequestLimits,
): void {
  for (const [i, ids] of sequences.entries()) {
    const where = `sequence ${i}`;
    if (ids.length === 0) throw new InputError({ where, problem: 'it is empty' });
    if (ids.length > maxContext) {
      throw new InputError({
        where,
        problem: `it has ${counted(ids.length, 'token')}, the context holds ${maxContext}`,
        remedy: 'Shorten it or raise the context length',
      });
    }
    checkIds(where, ids, vocabSize);
  }
}

function checkIds(where: string, ids: readonly number[], vocabSize: number): void {
  for (const id of ids) {
    if (Number.isSafeInteger(id) && id >= 0 && id < vocabSize) continue;
    throw new InputError({
      where,
      problem: `token id ${id} is outside of the vocabulary (${vocabSize})`,
      remedy: 'Use the tokenizer that belongs to the model',
    });
  }
}

export function inRequestOrder(
  completions: readonly Completion[],
  requests: readonly PromptRequest[],
): Completion[] {
  const order = new Map(requests.map(({ id }, i) => [id, i]));
  return [...completions].sort(
    (a, b) => order.get(a.requestId)! - order.get(b.requestId)! || a.sampleIndex - b.sampleIndex,
  );
}
