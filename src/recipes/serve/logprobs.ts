/** Log-probabilities of an answer's tokens, under the distribution that each was drawn from, as OpenAI's API has them. */
import type { TokenLogprob } from '../../rollout/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import type { Ask } from './read-request.js';
import type { AnswerToken, Piece } from './replies.js';

/** Each token by itself. */
const textOf = ({ model }: Ask, id: number): string => model.source.tokenizer.decode([id]);

/** Code points. */
const lengthOf = (text: string): number => [...text].length;

/** Of the tokens as `logprobs` tells them. */
export const charactersOf = (ask: Ask, tokens: readonly AnswerToken[]): number =>
  tokens.reduce((sum, { id }) => sum + lengthOf(textOf(ask, id)), 0);

export const logprobsOf = (ask: Ask, piece: Pick<Piece, 'tokens' | 'offset'>): JsonRow =>
  ask.endpoint === 'chat' ? ofChat(ask, piece.tokens) : ofTexts(ask, piece);

function ofChat(ask: Ask, tokens: readonly AnswerToken[]): JsonRow {
  const told = ({ id, logprob }: TokenLogprob) => ({
    token: textOf(ask, id),
    logprob,
    bytes: bytesOf(ask, id),
  });
  const content = tokens.map(({ topLogprobs = [], ...token }) => ({
    ...told(token),
    top_logprobs: topLogprobs.map(told),
  }));
  return { content, refusal: null };
}

function ofTexts(ask: Ask, { tokens, offset }: Pick<Piece, 'tokens' | 'offset'>): JsonRow {
  const texts = tokens.map(({ id }) => textOf(ask, id));
  const text_offset = offsets(texts, offset);
  return {
    tokens: texts,
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: ask.topLogprobs === 0 ? null : tokens.map((token) => byText(ask, token)),
    text_offset,
  };
}

function offsets(texts: readonly string[], start: number): number[] {
  let at = start;
  return texts.map((text) => {
    const before = at;
    at += lengthOf(text);
    return before;
  });
}

/** The likeliest and the token itself; of those that look alike, as parts of a character, the likelier. */
function byText(ask: Ask, { topLogprobs = [], ...token }: AnswerToken): JsonRow {
  const told = new Map<string, number>();
  for (const { id, logprob } of [...topLogprobs, token]) {
    const text = textOf(ask, id);
    if (!told.has(text)) told.set(text, logprob);
  }
  return Object.fromEntries(told);
}

/** Of a special token those of its name; null where the tokenizer's are not known. */
function bytesOf(ask: Ask, id: number): readonly number[] | null {
  try {
    const bytes = ask.model.source.tokenizer.tokenBytes()[id];
    return [...(bytes ?? Buffer.from(textOf(ask, id)))];
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
