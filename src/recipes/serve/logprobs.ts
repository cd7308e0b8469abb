/** Log-probabilities of an answer's tokens, under the distribution that each was drawn from, as OpenAI's API has them. */
import type { TokenLogprob } from '../../rollout/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import type { Ask } from './read-request.js';
import type { AnswerToken, Piece } from './replies.js';

const SPACE = 0x20;

interface Spelled {
  readonly text: string;
  /** Null where the tokenizer's are not known. */
  readonly bytes: Uint8Array | null;
}

/**
 * A token by its bytes, of a special one by its name. Put together they are the text: where the decoder takes
 * the space in front of a text away, the first token of an answer has none.
 */
function spelled({ model }: Ask, id: number, isFirst: boolean): Spelled {
  const { tokenizer } = model.source;
  const table = tableOf(tokenizer);
  const known = table?.[id] ?? null;
  if (known === null) {
    const text = tokenizer.decode([id]);
    return { text, bytes: table === null ? null : Buffer.from(text) };
  }
  const rest = known.subarray(1);
  const loses = isFirst && known[0] === SPACE && tokenizer.decode([id]) === textOf(rest);
  const bytes = loses ? rest : known;
  return { text: textOf(bytes), bytes };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function tableOf(tokenizer: Tokenizer): ReturnType<Tokenizer['tokenBytes']> | null {
  try {
    return tokenizer.tokenBytes();
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** Code points. */
const lengthOf = (text: string): number => [...text].length;

type Tokens = Pick<Piece, 'tokens' | 'place'>;

const textsOf = (ask: Ask, { tokens, place }: Tokens): string[] =>
  tokens.map(({ id }, i) => spelled(ask, id, place + i === 0).text);

/** Of the tokens as `logprobs` tells them. */
export const charactersOf = (ask: Ask, some: Tokens): number =>
  textsOf(ask, some).reduce((sum, text) => sum + lengthOf(text), 0);

export const logprobsOf = (ask: Ask, piece: Tokens & Pick<Piece, 'offset'>): JsonRow =>
  ask.endpoint === 'chat' ? ofChat(ask, piece) : ofTexts(ask, piece);

function ofChat(ask: Ask, { tokens, place }: Tokens): JsonRow {
  const content = tokens.map(({ topLogprobs = [], ...token }, i) => {
    const told = ({ id, logprob }: TokenLogprob) => {
      const { text, bytes } = spelled(ask, id, place + i === 0);
      return { token: text, logprob, bytes: bytes && [...bytes] };
    };
    return { ...told(token), top_logprobs: topLogprobs.map(told) };
  });
  return { content, refusal: null };
}

function ofTexts(ask: Ask, piece: Tokens & Pick<Piece, 'offset'>): JsonRow {
  const { tokens, offset, place } = piece;
  const texts = textsOf(ask, piece);
  const text_offset = offsets(texts, offset);
  return {
    tokens: texts,
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs:
      ask.topLogprobs === 0 ? null : tokens.map((token, i) => byText(ask, token, place + i === 0)),
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
function byText(ask: Ask, { topLogprobs = [], ...token }: AnswerToken, isFirst: boolean): JsonRow {
  const told = new Map<string, number>();
  for (const { id, logprob } of [...topLogprobs, token]) {
    const { text } = spelled(ask, id, isFirst);
    if (!told.has(text)) told.set(text, logprob);
  }
  return Object.fromEntries(told);
}
