/** Completions in the forms of OpenAI's API: whole answers, and the chunks of a stream. */
import type { Completion } from '../../rollout/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import type { Ask } from './read-request.js';

/** Part of the answer that has come: of a whole completion all, of a stream what is new. */
export interface Piece {
  readonly text: string;
  readonly ids: readonly number[];
  readonly logprobs: readonly number[];
  /** Null while it goes on. */
  readonly finishReason: string | null;
  /** Characters of the choice's tokens before these. */
  readonly offset: number;
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
  ...{ id, object: OBJECTS[ask.endpoint][kind], created, model: ask.model.name },
});

/** @param completions prompt by prompt, of each prompt in order of the sample */
export function wholeReply(head: ReplyHead, completions: readonly Completion[]): JsonRow {
  const choices = completions.map(({ text, ids, logprobs, finishReason }, index) => {
    const piece = { text, ids, logprobs: [...logprobs], finishReason, offset: 0 };
    const spoken =
      head.ask.endpoint === 'chat'
        ? { message: { role: 'assistant', content: text, refusal: null } }
        : { text };
    return choice(head, index, piece, spoken);
  });
  return { ...envelope(head, 'whole'), choices, usage: usageOf(head.ask, completions) };
}

/** The first chunk of a chat's choice, which says who speaks. */
export function openingChunk(head: ReplyHead, index: number): JsonRow {
  const spoken = { delta: { role: 'assistant', content: '' } };
  const choices = [{ index, ...spoken, logprobs: null, finish_reason: null }];
  return { ...envelope(head, 'chunk'), choices };
}

export function pieceChunk(head: ReplyHead, index: number, piece: Piece): JsonRow {
  const delta = piece.text === '' ? {} : { content: piece.text };
  const spoken = head.ask.endpoint === 'chat' ? { delta } : { text: piece.text };
  return { ...envelope(head, 'chunk'), choices: [choice(head, index, piece, spoken)] };
}

export const usageChunk = (head: ReplyHead, completions: readonly Completion[]): JsonRow => ({
  ...envelope(head, 'chunk'),
  ...{ choices: [], usage: usageOf(head.ask, completions) },
});

function choice({ ask }: ReplyHead, index: number, piece: Piece, spoken: JsonRow): JsonRow {
  return {
    index,
    ...spoken,
    logprobs: ask.givesLogprobs ? logprobsOf(ask, piece) : null,
    finish_reason: piece.finishReason,
    ...(ask.givesTokenIds && { token_ids: piece.ids }),
  };
}

/** Log-probabilities under the distribution that each token was drawn from. */
function logprobsOf({ endpoint, model }: Ask, { ids, logprobs, offset }: Piece): JsonRow {
  const { tokenizer } = model.source;
  const tokens = textsOf(model, ids);
  if (endpoint === 'completions') {
    const text_offset = offsets(tokens, offset);
    return { tokens, token_logprobs: logprobs, top_logprobs: null, text_offset };
  }
  const content = tokens.map((token, i) => ({
    ...{ token, logprob: logprobs[i], bytes: tokenBytes(tokenizer, ids[i]!), top_logprobs: [] },
  }));
  return { content, refusal: null };
}

/** Each token by itself. */
const textsOf = ({ source }: Ask['model'], ids: readonly number[]): string[] =>
  ids.map((id) => source.tokenizer.decode([id]));

/** Of the tokens as `logprobs` tells them. */
export const charactersOf = ({ model }: Ask, ids: readonly number[]): number =>
  textsOf(model, ids).reduce((sum, { length }) => sum + length, 0);

function offsets(tokens: readonly string[], start: number): number[] {
  let at = start;
  return tokens.map(({ length }) => {
    at += length;
    return at - length;
  });
}

/** Of a special token those of its name; null where the tokenizer's are not known. */
function tokenBytes(tokenizer: Tokenizer, id: number): readonly number[] | null {
  try {
    return [...(tokenizer.tokenBytes()[id] ?? Buffer.from(tokenizer.decode([id])))];
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** Tokens of prompts and completions; the end-of-text token counts. */
function usageOf({ prompts }: Ask, completions: readonly Completion[]): JsonRow {
  const prompt = prompts.reduce((sum, { length }) => sum + length, 0);
  const completion = completions.reduce((sum, { ids }) => sum + ids.length, 0);
  const total = prompt + completion;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total };
}

/** Models as `GET /v1/models` lists them. */
export const modelEntry = (name: string, created: number): JsonRow => ({
  ...{ id: name, object: 'model', created, owned_by: 'lorikeet' },
});
