/**
 * RapidFuzz's `partial_ratio`: the best `ratio` of the shorter text with any window of the longer one that
 * is as long, or with a shorter window at its start or end. It is the optimum for every length.
 *
 * One pass gives the LCS with all prefixes, one pass backwards with all suffixes. Windows between them are
 * visited from left to right: moving by one place adds at most 1 to the LCS, so a window that lies d below
 * the best is followed by one d + 1 places further. A window that ends in a character which the shorter text
 * lacks is no better than the one before it.
 */
import { checkWork } from '../work-limit.js';
import { type Codes, lcsIn, type Pattern, patternOf, rowsOf } from './lcs.js';

/**
 * @param floor Scores up to this one, 0 to 100, need not be told apart: it is returned in their place.
 * @returns 0 to 100. @throws WorkLimitError
 */
export function partialRatio(a: Codes, b: Codes, floor = 0): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return long.length === 0 ? 100 : 0;
  const best = bestWindow(short, long, floor / 100);
  const isTie = short.length === long.length && best < 1;
  return 100 * (isTie ? bestWindow(long, short, best) : best);
}

/** @returns `floor` or more, 0 to 1 */
function bestWindow(short: Codes, long: Codes, floor: number): number {
  const n = short.length;
  const pattern = patternOf(short);
  checkWork('partial_ratio', 2 * n * pattern.words * 2);
  let best = Math.max(floor, bestPrefix(pattern, long.subarray(0, n)));
  if (best === 1) return best;
  const backwards = bestPrefix(patternOf(short.slice().reverse()), long.slice(-n).reverse());
  best = Math.max(best, backwards);
  return Math.max(best, bestFullWindow(pattern, long, best));
}

/** Best ratio with the first 1, 2, … characters of the text. */
function bestPrefix(pattern: Pattern, text: Codes): number {
  let best = 0;
  lcsIn(pattern, rowsOf(pattern, text), {
    start: 0,
    end: text.length,
    onLength(i, length) {
      best = Math.max(best, (2 * length) / (pattern.length + i + 1));
    },
  });
  return best;
}

/** Best ratio with a window as long as the pattern, if it is above `floor`; else `floor`. */
function bestFullWindow(pattern: Pattern, text: Codes, floor: number): number {
  const n = pattern.length;
  const rows = rowsOf(pattern, text);
  let best = Math.floor(floor * n);
  let work = 0;
  for (let start = 0; start + n <= text.length && best < n; ) {
    if (rows[start + n - 1] === 0 && start > 0) {
      start++;
      continue;
    }
    work += n * pattern.words + 8;
    checkWork('partial_ratio', work);
    const length = lcsIn(pattern, rows, { start, end: start + n });
    best = Math.max(best, length);
    start += best - length + 1;
  }
  return Math.max(floor, best / n);
}
