/** A writer whose continuations are written by hand; one character is one token. */

import type { Writer } from '../../../../src/evaluate/index.js';
import type { WriteRequest } from '../../../../src/evaluate/strategies/types.js';
import type { FinishReason } from '../../../../src/rollout/index.js';
import { inWaves } from '../../../../src/rollout/waves.js';

const END = 0;
const encode = (text: string): number[] => [...text].map((sign) => sign.codePointAt(0) as number);
const decode = (ids: readonly number[]): string =>
  ids
    .filter((id) => id !== END)
    .map((id) => String.fromCodePoint(id))
    .join('');

export interface Asked extends WriteRequest {
  readonly prompt: string;
}

/**
 * @param reply - text of the sample `index` of a request; it ends by itself where no stop string or limit
 *   ends it first
 */
export function scriptedWriter(
  reply: (asked: Asked, index: number) => string,
  { context = 10_000 }: { readonly context?: number } = {},
): Writer & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    context,
    ask: encode,
    encode,
    decode,
    isEnd: (id) => id === END,
    write: (requests, { stop = [], next = async () => null }) =>
      inWaves(requests as WriteRequest[], next, async (wave) =>
        (wave as WriteRequest[]).flatMap((request) => {
          const question = { ...request, prompt: decode(request.promptIds) };
          asked.push(question);
          return Array.from({ length: request.n }, (_, index) =>
            completion(request, { index, text: reply(question, index), stop }),
          );
        }),
      ),
  };
}

function completion(
  { id, promptIds, maxNewTokens }: WriteRequest,
  {
    index,
    text,
    stop,
  }: { readonly index: number; readonly text: string; readonly stop: readonly string[] },
) {
  const ends = stop
    .map((end) => text.indexOf(end) + end.length)
    .filter((at, i) => at >= (stop[i]?.length ?? 0));
  const end = Math.min(text.length, ...ends);
  const isStopped = ends.length > 0;
  const spoken = encode(text.slice(0, end));
  const all = isStopped ? spoken : [...spoken, END];
  const ids = all.slice(0, maxNewTokens);
  return {
    requestId: id,
    sampleIndex: index,
    promptIds,
    ids,
    text: decode(ids),
    logprobs: Float32Array.from(ids, () => -0.1 * (index + 1)),
    finishReason: (ids.length < all.length ? 'length' : 'stop') as FinishReason,
    adapter: null,
    seconds: 0.5,
  };
}
