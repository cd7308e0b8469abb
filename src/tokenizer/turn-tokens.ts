/**
 * Token ids of a marked text, with its turns as spans of tokens. The text is tokenised whole where that
 * keeps every border of a turn between two tokens; else each part by itself, as generation would.
 */
import { GuardError } from '../util/errors.js';
import type { MarkedText } from './chat-text.js';
import type { Tokenizer } from './tokenizer.js';

/** Positions in a list of ids, end excluded. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

export interface TurnTokens {
  readonly ids: readonly number[];
  readonly turns: readonly TokenSpan[];
  /** Parts of turns that are context. */
  readonly untrained: readonly TokenSpan[];
  /** Whether the parts were tokenised one by one. */
  readonly splitAtBorder: boolean;
}

/** @throws GuardError when the tokenizer cannot tokenise the parts apart without changing the text. */
export function tokeniseTurns(tokenizer: Tokenizer, marked: MarkedText, where: string): TurnTokens {
  const { text, turns, untrained = [], isPlain } = marked;
  const ends = [...turns, ...untrained].flatMap(({ start, end }) => [start, end]);
  const borders = [...new Set(ends)].sort((a, b) => a - b);
  const whole = plainIds(tokenizer, text);
  const positions = borders.map((border) => positionOf(tokenizer, { text, whole, border }));
  const isWhole = positions.every((position) => position !== null);
  const { ids, at } = isWhole
    ? { ids: whole, at: positions }
    : tokeniseParts(tokenizer, { text, whole, borders, where });
  const front =
    isPlain && tokenizer.addsBos && ids[0] !== tokenizer.bosId ? [tokenizer.bosId!] : [];
  const tokenAt = new Map(borders.map((border, i) => [border, at[i]! + front.length]));
  const spanOf = ({ start, end }: TokenSpan): TokenSpan => ({
    start: tokenAt.get(start)!,
    end: tokenAt.get(end)!,
  });
  return {
    ids: [...front, ...ids],
    turns: turns.map(spanOf),
    untrained: untrained.map(spanOf),
    splitAtBorder: !isWhole,
  };
}

function plainIds(tokenizer: Tokenizer, text: string): number[] {
  return tokenizer.encode(text, { addSpecialTokens: false });
}

interface Border {
  readonly text: string;
  readonly whole: readonly number[];
  readonly border: number;
}

/** Tokens before a border, or null when no border of tokens stands there. */
function positionOf(tokenizer: Tokenizer, { text, whole, border }: Border): number | null {
  if (border === 0) return 0;
  if (border === text.length) return whole.length;
  const prefix = plainIds(tokenizer, text.slice(0, border));
  return prefix.every((id, i) => id === whole[i]) ? prefix.length : null;
}

interface Parts extends Omit<Border, 'border'> {
  readonly borders: readonly number[];
  readonly where: string;
}

function tokeniseParts(
  tokenizer: Tokenizer,
  { text, whole, borders, where }: Parts,
): { ids: number[]; at: number[] } {
  const ids: number[] = [];
  const at: number[] = [];
  let start = 0;
  for (const border of [...borders, text.length]) {
    for (const id of plainIds(tokenizer, text.slice(start, border))) ids.push(id);
    at.push(ids.length);
    start = border;
  }
  if (tokenizer.decode(ids) === tokenizer.decode(whole)) return { ids, at };
  throw new GuardError({
    where,
    problem: 'a token spans the border between prompt and completion',
    remedy: 'End the prompt, or begin the completion, with a space or a line break',
  });
}
