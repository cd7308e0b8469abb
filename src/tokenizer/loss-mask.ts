/** The loss mask of a marked text. Positions of turns decide what is trained, never token ids. */
import { InputError } from '../util/errors.js';
import type { MarkedText } from './chat-text.js';
import type { Tokenizer } from './tokenizer.js';
import { type TokenSpan, tokeniseTurns } from './turn-tokens.js';

export interface RenderedExample {
  readonly ids: number[];
  /** Same length: whether the token at this position is a target of the loss. */
  readonly trained: boolean[];
  /**
   * Whether the text's own tokenisation had a token across the border of a turn. The border wins then:
   * each side is tokenised by itself, as it is at generation.
   */
  readonly splitAtBorder: boolean;
}

/**
 * `assistant`: every turn of the assistant behind the prompt; `last`: the last one; `completion`: everything behind
 * the prompt; `all`: every token but the first.
 */
export type TrainOn = 'assistant' | 'last' | 'completion' | 'all';

export interface MaskOptions {
  readonly trainOn: TrainOn;
  readonly where: string;
}

/**
 * Each turn is trained through its end-of-sequence token. The last turn gets one when it has none, and
 * what follows it is cut off; earlier turns keep what the chat template wrote.
 * @throws InputError when the tokenizer has no end-of-sequence token, or nothing is left to train.
 * @throws GuardError when the tokenizer cannot keep a turn's border.
 */
export function maskedExample(
  tokenizer: Tokenizer,
  marked: MarkedText,
  { trainOn, where }: MaskOptions,
): RenderedExample {
  const { ids: whole, turns, untrained, splitAtBorder } = tokeniseTurns(tokenizer, marked, where);
  const last = turns.length - 1;
  const ids = closeTurn(tokenizer, { ids: whole, turn: turns[last], where });
  const trained: boolean[] = new Array(ids.length).fill(trainOn === 'all');
  for (const [i, turn] of turns.entries()) {
    if (trainOn === 'last' && i !== last) continue;
    const ending = i === last ? ids.length - 1 : endingOf(tokenizer, whole, turn);
    trained.fill(true, turn.start, ending === null ? turn.end : ending + 1);
  }
  for (const { start, end } of untrained) trained.fill(false, start, end);
  trained[0] = false;
  if (trained.includes(true)) return { ids, trained, splitAtBorder };
  throw new InputError({ where, problem: 'no token of the row is left to train on' });
}

interface OpenTurn {
  readonly ids: readonly number[];
  readonly turn: TokenSpan | undefined;
  readonly where: string;
}

/** The ids through the last turn's end-of-sequence token, appended where there is none. */
function closeTurn(tokenizer: Tokenizer, { ids, turn, where }: OpenTurn): number[] {
  if (turn === undefined) throw new InputError({ where, problem: 'no assistant turn to train on' });
  const ending = endingOf(tokenizer, ids, turn);
  if (ending !== null) return ids.slice(0, ending + 1);
  if (tokenizer.eosId !== null) return [...ids.slice(0, turn.end), tokenizer.eosId];
  throw new InputError({
    where: tokenizer.dir,
    problem: 'the tokenizer has no end-of-sequence token',
    remedy: 'Set eos_token in tokenizer_config.json or eos_token_id in generation_config.json',
  });
}

/**
 * Position of the token that ends a turn: the first end-of-sequence token among those that close the
 * span, white space aside (Qwen writes `<|im_end|>` and a line break); null when there is none.
 */
function endingOf(tokenizer: Tokenizer, ids: readonly number[], turn: TokenSpan): number | null {
  let ending: number | null = null;
  for (let i = turn.end - 1; i >= turn.start; i--) {
    const id = ids[i]!;
    if (tokenizer.eosIds.includes(id)) ending = i;
    else if (tokenizer.decode([id]).trim() !== '') break;
  }
  return ending;
}
