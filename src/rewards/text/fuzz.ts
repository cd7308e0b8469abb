/**
 * The scorers of RapidFuzz's `fuzz` module, 0 to 100, by their names there. All are built on the
 * normalised Indel similarity 2·LCS / (|a| + |b|) over code points. `score_cutoff` is left to the caller.
 * Every scorer throws WorkLimitError on texts too long to compare.
 */
import { codesOf, lcsLength } from './lcs.js';
import { partialRatio } from './partial-ratio.js';
import { sortedWords, wordsOf } from './process.js';

export type FuzzScorer = (a: string, b: string) => number;

/** WRatio trusts scores on rearranged words a little less. */
const UNBASE_SCALE = 0.95;

/** Similarity of the texts as they stand. */
const ratio: FuzzScorer = (a, b) => {
  const [left, right] = [codesOf(a), codesOf(b)];
  const total = left.length + right.length;
  return total === 0 ? 100 : (200 * lcsLength(left, right)) / total;
};

const partial: FuzzScorer = (a, b) => partialRatio(codesOf(a), codesOf(b));

const sorted = (text: string): string => sortedWords(wordsOf(text)).join(' ');

const tokenSortRatio: FuzzScorer = (a, b) => ratio(sorted(a), sorted(b));

const partialTokenSortRatio: FuzzScorer = (a, b) => partial(sorted(a), sorted(b));

/** The distinct words of two texts: common ones, and what only one of them has, sorted and joined. */
interface WordSets {
  readonly isEmpty: boolean;
  readonly common: readonly string[];
  readonly onlyA: string;
  readonly onlyB: string;
}

function wordSets(a: string, b: string): WordSets {
  const [left, right] = [new Set(wordsOf(a)), new Set(wordsOf(b))];
  return {
    isEmpty: left.size === 0 || right.size === 0,
    common: [...left].filter((word) => right.has(word)),
    onlyA: sortedWords([...left].filter((word) => !right.has(word))).join(' '),
    onlyB: sortedWords([...right].filter((word) => !left.has(word))).join(' '),
  };
}

/**
 * Similarity of the sets of words: the best of common + rest against common + rest, and of common words
 * against each side. Where one set holds the other, 100. Without words, 0.
 */
export const tokenSetRatio: FuzzScorer = (a, b) => {
  const { isEmpty, common, onlyA, onlyB } = wordSets(a, b);
  if (isEmpty) return 0;
  if (common.length > 0 && (onlyA === '' || onlyB === '')) return 100;
  const [left, right] = [codesOf(onlyA), codesOf(onlyB)];
  const shared = codesOf(common.join(' ')).length;
  const gap = shared === 0 ? 0 : 1;
  const [lengthA, lengthB] = [shared + gap + left.length, shared + gap + right.length];
  const distance = left.length + right.length - 2 * lcsLength(left, right);
  const whole = 1 - distance / (lengthA + lengthB);
  if (shared === 0) return 100 * whole;
  const sideA = (2 * shared) / (shared + lengthA);
  const sideB = (2 * shared) / (shared + lengthB);
  return 100 * Math.max(whole, sideA, sideB);
};

const partialTokenSetRatio: FuzzScorer = (a, b) => {
  const { isEmpty, common, onlyA, onlyB } = wordSets(a, b);
  if (isEmpty) return 0;
  return common.length > 0 ? 100 : partial(onlyA, onlyB);
};

const tokenRatio: FuzzScorer = (a, b) => {
  const bySet = tokenSetRatio(a, b);
  return bySet === 100 ? 100 : Math.max(bySet, tokenSortRatio(a, b));
};

const partialTokenRatio: FuzzScorer = (a, b) => {
  const bySet = partialTokenSetRatio(a, b);
  return bySet === 100 ? 100 : Math.max(bySet, partialTokenSortRatio(a, b));
};

/** `ratio`, and 0 when a text is empty. */
const quickRatio: FuzzScorer = (a, b) => (a === '' || b === '' ? 0 : ratio(a, b));

/**
 * The best of the others, weighed by how far the lengths differ. `partial_ratio` comes last, where what it
 * must exceed spares most of its work.
 */
export const weightedRatio: FuzzScorer = (a, b) => {
  if (a === '' || b === '') return 0;
  const [lengthA, lengthB] = [codesOf(a).length, codesOf(b).length];
  const lengths = Math.max(lengthA, lengthB) / Math.min(lengthA, lengthB);
  const plain = ratio(a, b);
  if (lengths < 1.5) return Math.max(plain, tokenRatio(a, b) * UNBASE_SCALE);
  const scale = lengths <= 8 ? 0.9 : 0.6;
  const best = Math.max(plain, partialTokenRatio(a, b) * UNBASE_SCALE * scale);
  const floor = Math.min(100, best / scale);
  return Math.max(best, partialRatio(codesOf(a), codesOf(b), floor) * scale);
};

export const FUZZ_SCORERS = {
  ratio,
  partial_ratio: partial,
  token_sort_ratio: tokenSortRatio,
  token_set_ratio: tokenSetRatio,
  token_ratio: tokenRatio,
  partial_token_sort_ratio: partialTokenSortRatio,
  partial_token_set_ratio: partialTokenSetRatio,
  partial_token_ratio: partialTokenRatio,
  WRatio: weightedRatio,
  QRatio: quickRatio,
} satisfies Record<string, FuzzScorer>;

export type FuzzName = keyof typeof FUZZ_SCORERS;
