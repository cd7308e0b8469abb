/**
 * Rewards that compare an answer with the row's gold answer. Each finds the answer in its own way; where a
 * text gives several answers, the last one counts, and only that one.
 */

import { extractBoxed } from '../../util/boxed.js';
import { goldOf } from '../correctness.js';
import { mathEquivalent } from '../math/equivalence.js';
import { lastNumber, numbersEqual, parseNumber } from '../numbers.js';
import type { RewardFactory } from '../reward.js';

/** The last number of the completion is the gold number, within `tolerance` (absolute, default 0). */
export const numericReward: RewardFactory = ({ goldColumn, settings }) => {
  const tolerance = settings.number('tolerance', 0, [0, Number.MAX_VALUE]);
  return (completion, row) => {
    const gold = goldOf(row, goldColumn);
    const wanted = gold === null ? null : parseNumber(gold);
    if (gold === null || wanted === null) return null;
    const answer = lastNumber(completion) ?? '';
    if (numbersEqual(answer, gold)) return 1;
    const value = parseNumber(answer);
    return value !== null && Math.abs(value - wanted) <= tolerance ? 1 : 0;
  };
};

/** The content of the last `\boxed{}` is mathematically equal to the gold answer. */
export const boxedReward: RewardFactory = ({ goldColumn }) => {
  return (completion, row) => {
    const gold = goldOf(row, goldColumn);
    if (gold === null) return null;
    const answer = extractBoxed(completion);
    return answer !== null && mathEquivalent(answer, gold) ? 1 : 0;
  };
};

/** `(B)`, `B)`, `B.`, `**B**` or `B` alone, at the end or after "answer is" or "answer:". */
const LETTER = /^[\s*_("'[{$]*([A-Z])[\s*_)"'\].:}$]*(?:$|\n)/;
/** Commands round a letter in a box. */
const FONTS = /\\(?:text|math)(?:bf|it|rm|sf|tt|up|normal)?\s*(?=\{)/g;
const PHRASE = /\b(?:answer|choice|option)\b(?:\s+is)?\s*:?\s*/gi;
const LAST_LINE = 200;

/**
 * The chosen letter equals the gold letter: of the last `\boxed{}`, else after the last "answer is", else
 * the last line, when it holds nothing but a letter.
 * @example choice on "… so the answer is (B)." against B scores 1; "A, B, C, D" scores 0
 */
export const choiceReward: RewardFactory = ({ goldColumn }) => {
  return (completion, row) => {
    const gold = goldOf(row, goldColumn)?.trim().toUpperCase() ?? null;
    if (gold === null || !/^[A-Z]$/.test(gold)) return null;
    return chosenLetter(completion) === gold ? 1 : 0;
  };
};

function chosenLetter(completion: string): string | null {
  const boxed = extractBoxed(completion);
  if (boxed !== null) return letterIn(boxed.replace(FONTS, ''));
  let after = -1;
  for (const match of completion.matchAll(PHRASE)) after = match.index + match[0].length;
  const tail = completion.trimEnd();
  const lastLine = tail.slice(Math.max(tail.lastIndexOf('\n') + 1, tail.length - LAST_LINE));
  return letterIn(after >= 0 ? completion.slice(after, after + LAST_LINE) : lastLine);
}

const letterIn = (text: string): string | null => LETTER.exec(text)?.[1] ?? null;
