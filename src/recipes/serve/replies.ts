/** Completions in the forms of OpenAI's API: whole answers, and the chunks of a stream. */
import type { Completion, StreamToken } from '../../rollout/index.js';
import type { JsonRow } from '../../util/files.js';
import { logprobsOf } from './logprobs.js';
import type { Ask } from './read-request.js';
import { type Spoken, type ToolCall, withoutCalls } from './tool-calls.js';

export type AnswerToken = Pick<StreamToken, 'id' | 'logprob' | 'topLogprobs'>;

/** Part of the answer that has come: of a whole completion all, of a stream what is new. */
export interface Piece extends Spoken {
  readonly tokens: readonly AnswerToken[];
  /** Null while it goes on. */
  readonly finishReason: string | null;
  /** Characters of the choice's tokens before these. */
  readonly offset: number;
  /** How many tokens come before them. */
  readonly place: number;
}

export interface ReplyHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly ask: Ask;
}

const OBJECTS = {
  chat: { whole: 'chat.completion', chunk: 'chat.completion.chunk' },
  completions: { whole: 'text_completion', chunk: 'text_completion' },
} as const;

const envelope = ({ id, created, ask }: ReplyHead, kind: 'whole' | 'chunk'): JsonRow => ({
  id,
  object: OBJECTS[ask.endpoint][kind],
  created,
  model: ask.model.name,
  ...(kind === 'chunk' && ask.includesUsage && { usage: null }),
});

/** The calls of a completion, where the request offers tools, apart from its text. */
export function spokenOf({ hasTools }: Ask, { text, finishReason }: Completion) {
  const spoken = hasTools ? withoutCalls(text) : { text, calls: [] };
  const calls = spoken.calls.length > 0;
  return {
    ...spoken,
    finishReason: calls && finishReason === 'stop' ? 'tool_calls' : finishReason,
  };
}

/** @param completions prompt by prompt, of each prompt in order of the sample */
export function wholeReply(head: ReplyHead, completions: readonly Completion[]): JsonRow {
  const choices = completions.map((completion, index) => {
    const { ids, logprobs, topLogprobs } = completion;
    const tokens = ids.map((id, i) => ({
      id,
      logprob: logprobs[i]!,
      ...(topLogprobs && { topLogprobs: topLogprobs[i]! }),
    }));
    const piece = { ...spokenOf(head.ask, completion), tokens, offset: 0, place: 0 };
    const { text } = piece;
    const isChat = head.ask.endpoint === 'chat';
    return choice(head, index, piece, isChat ? { message: messageOf(piece) } : { text });
  });
  return { ...envelope(head, 'whole'), choices, usage: usageOf(head.ask, completions) };
}

function messageOf({ text, calls }: Piece): JsonRow {
  const content = text === '' && calls.length > 0 ? null : text;
  const tool_calls = calls.map(calledFunction);
  return { role: 'assistant', content, refusal: null, ...(calls.length > 0 && { tool_calls }) };
}

const calledFunction = ({ id, name, arguments: args }: ToolCall): JsonRow => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

/** The first chunk of a chat's choice, which says who speaks. */
export function openingChunk(head: ReplyHead, index: number): JsonRow {
  const spoken = { delta: { role: 'assistant', content: '' } };
  const choices = [{ index, ...spoken, logprobs: null, finish_reason: null }];
  return { ...envelope(head, 'chunk'), choices };
}

export function pieceChunk(head: ReplyHead, index: number, piece: Piece): JsonRow {
  const { text, calls } = piece;
  const delta = {
    ...(text !== '' && { content: text }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, at) => ({ index: at, ...calledFunction(call) })),
    }),
  };
  const spoken = head.ask.endpoint === 'chat' ? { delta } : { text };
  return { ...envelope(head, 'chunk'), choices: [choice(head, index, piece, spoken)] };
}

export const usageChunk = (head: ReplyHead, completions: readonly Completion[]): JsonRow => ({
  ...envelope(head, 'chunk'),
  choices: [],
  usage: usageOf(head.ask, completions),
});

function choice({ ask }: ReplyHead, index: number, piece: Piece, spoken: JsonRow): JsonRow {
  return {
    index,
    ...spoken,
    logprobs: ask.givesLogprobs ? logprobsOf(ask, piece) : null,
    finish_reason: piece.finishReason,
    ...(ask.givesTokenIds && { token_ids: piece.tokens.map(({ id }) => id) }),
  };
}

/** Tokens of prompts and completions; the end-of-text token counts. Of each prompt one sample says what was kept. */
function usageOf({ prompts }: Ask, completions: readonly Completion[]): JsonRow {
  const prompt = prompts.reduce((sum, { length }) => sum + length, 0);
  const completion = completions.reduce((sum, { ids }) => sum + ids.length, 0);
  const cached = completions
    .filter(({ sampleIndex }) => sampleIndex === 0)
    .reduce((sum, { cachedTokens = 0 }) => sum + cachedTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

/** Models as `GET /v1/models` lists them. */
export const modelEntry = (name: string, created: number): JsonRow => ({
  id: name,
  object: 'model',
  created,
  owned_by: 'lorikeet',
});
