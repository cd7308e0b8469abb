/** One request that was understood → jobs → its answer, whole or as a stream of events. */
import { randomUUID } from 'node:crypto';
import { type Completion, checkRequests, TextStream } from '../../rollout/index.js';
import { counted } from '../../util/counted.js';
import type { JsonRow } from '../../util/files.js';
import { ApiError, asApiError } from './api-error.js';
import { charactersOf } from './logprobs.js';
import type { Ask } from './read-request.js';
import {
  type AnswerToken,
  openingChunk,
  type Piece,
  pieceChunk,
  type ReplyHead,
  spokenOf,
  usageChunk,
  wholeReply,
} from './replies.js';
import type { Job, Scheduler } from './scheduler.js';
import { CALL_START } from './tool-calls.js';

export interface AnswerOptions {
  readonly scheduler: Scheduler;
  /** Ends the request early, as when the client is gone. */
  readonly signal: AbortSignal;
  /** Most completions that may wait or be at work. */
  readonly maxQueue: number;
  readonly maxContext: number;
}

let lastJob = 0;

/** Opens the jobs of a request. @throws ApiError when the queue is full or a value is out of range */
export function openAnswer(ask: Ask, options: AnswerOptions): Answer {
  const { scheduler, maxQueue, maxContext, signal } = options;
  const count = ask.n * ask.prompts.length;
  if (scheduler.open + count > maxQueue) {
    const message = `${counted(scheduler.open, 'completion')} waiting or at work, and ${count} more asked for; the queue holds ${maxQueue}. Try again later, or serve with a larger max_queue`;
    throw new ApiError(message, { status: 429, code: 'queue_full' });
  }
  const { params, n, seed, model, topLogprobs } = ask;
  const requests = ask.prompts.map((promptIds) => ({
    id: String(++lastJob),
    promptIds,
    n,
    params,
    signal,
    ...(seed !== undefined && { seed }),
    ...(topLogprobs > 0 && { topLogprobs }),
  }));
  try {
    checkRequests(requests, { vocabSize: model.source.spec.vocabSize, maxContext });
  } catch (error) {
    throw asApiError(error, ask.endpoint === 'chat' ? 'messages' : 'prompt');
  }
  const prefix = ask.endpoint === 'chat' ? 'chatcmpl' : 'cmpl';
  const head = { id: `${prefix}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), ask };
  return { head, requests, scheduler };
}

export interface Answer {
  readonly head: ReplyHead;
  readonly requests: readonly Job['request'][];
  readonly scheduler: Scheduler;
}

/** The answer in one piece. */
export async function answerWhole({ head, requests, scheduler }: Answer): Promise<JsonRow> {
  const { model } = head.ask;
  const parts = await Promise.all(requests.map((request) => scheduler.submit({ model, request })));
  return wholeReply(head, unbroken(parts.flat()));
}

/** The answer as chunks, each handed to `send` as it comes. */
export async function answerStream(
  { head, requests, scheduler }: Answer,
  send: (chunk: JsonRow) => void,
): Promise<void> {
  const { ask } = head;
  const parts = await Promise.all(
    requests.map(async (request, prompt) => {
      const choices = Array.from({ length: ask.n }, (_, sample) =>
        choiceStream(head, prompt * ask.n + sample, send),
      );
      const completions = await scheduler.submit({
        model: ask.model,
        request,
        onToken: (token) => choices[token.sampleIndex]!.push(token),
      });
      unbroken(completions);
      for (const completion of completions) choices[completion.sampleIndex]!.end(completion);
      return completions;
    }),
  );
  if (ask.includesUsage) send(usageChunk(head, parts.flat()));
}

function choiceStream(head: ReplyHead, index: number, send: (chunk: JsonRow) => void) {
  const { ask } = head;
  const stops = [...ask.params.stopStrings, ...(ask.hasTools ? [CALL_START] : [])];
  const stream = new TextStream(ask.model.source.tokenizer, stops, ask.params.stopIds);
  let tokens: AnswerToken[] = [];
  let offset = 0;
  let place = 0;
  let isOpen = ask.endpoint === 'completions';
  const open = () => {
    if (!isOpen) send(openingChunk(head, index));
    isOpen = true;
  };
  const give = ({ text = '', calls = [], finishReason = null }: Partial<Piece>) => {
    open();
    send(pieceChunk(head, index, { text, calls, finishReason, tokens, offset, place }));
    if (ask.givesLogprobs) offset += charactersOf(ask, { tokens, place });
    place += tokens.length;
    tokens = [];
  };
  return {
    push(token: AnswerToken): void {
      tokens.push(token);
      const text = stream.push(token.id);
      if (text !== '') give({ text });
    },
    end(completion: Completion): void {
      const { text, calls, finishReason } = spokenOf(ask, completion);
      const last = stream.end(text);
      if (calls.length > 0) give({ text: last, calls });
      give({ text: calls.length > 0 ? '' : last, finishReason });
    },
  };
}

/** @throws ApiError where the server stops before a completion has come to its end */
function unbroken(completions: readonly Completion[]): readonly Completion[] {
  if (completions.every(({ finishReason }) => finishReason !== 'aborted')) return completions;
  throw new ApiError('the server stops; the answer is not complete', { status: 503 });
}
