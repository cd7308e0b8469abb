/** Correctness reward: the number between the solution tags equals the gold number. */
import { goldAnswer } from './extract.js';
import { numbersEqual, parseNumber } from './numbers.js';
import { parseResponse } from './response.js';
import type { RewardFactory, RewardRow } from './reward.js';

/**
 * 1 when the answer between the solution tags is the gold number (tolerant of `$`, commas, trailing
 * zeros, units), else 0: also without tags, with repeated tags, and with several numbers between
 * them. Null when the row has no gold number.
 * @example `<SOLUTION>$1,200.00</SOLUTION>` against `… #### 1200` scores 1
 */
export const correctnessReward: RewardFactory = ({ tags }) => {
  return (completion, row) => {
    const gold = goldOf(row);
    if (gold === null || parseNumber(gold) === null) return null;
    const { solution } = parseResponse(completion, tags);
    return solution !== null && numbersEqual(solution, gold) ? 1 : 0;
  };
};

/** Gold answer of a row as text: its `answer`, or what follows `####` in it; null when there is none. */
export function goldOf({ answer: value }: RewardRow): string | null {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? goldAnswer(value) : null;
}
