/**
 * Learns byte-pair merges (Sennrich et al., arXiv 1508.07909): the most frequent neighbouring pair
 * becomes one symbol, again and again. Ties go to the pair that sorts first, so that the same corpus
 * gives the same merges everywhere.
 */
import { toByteCharacters } from './byte-alphabet.js';
import { splitWords } from './words.js';

export type Merge = readonly [string, string];

interface Word {
  readonly symbols: string[];
  readonly count: number;
}

interface Pair {
  readonly merge: Merge;
  count: number;
  readonly words: Set<Word>;
}

/** Pairs that occur less often are not merged. */
const MIN_COUNT = 2;

/** At most `maxMerges` merges learnt from the corpus, in order of learning; each makes a new symbol. */
export function learnMerges(corpus: Iterable<string>, maxMerges: number): Merge[] {
  const pairs = new Map<string, Pair>();
  for (const word of countWords(corpus)) addPairs(pairs, word, 1);
  const merges: Merge[] = [];
  while (merges.length < maxMerges) {
    const best = mostFrequent(pairs);
    if (best === undefined) break;
    merges.push(best.merge);
    for (const word of [...best.words]) {
      addPairs(pairs, word, -1);
      mergeWithin(word.symbols, best.merge);
      addPairs(pairs, word, 1);
    }
  }
  return merges;
}

function countWords(corpus: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of corpus) {
    for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({ symbols: toByteCharacters(word), count }));
}

/** Adds (`sign` 1) or takes away (−1) a word's pairs. */
function addPairs(pairs: Map<string, Pair>, word: Word, sign: 1 | -1): void {
  for (let i = 1; i < word.symbols.length; i++) {
    const merge: Merge = [word.symbols[i - 1]!, word.symbols[i]!];
    const key = merge.join(' ');
    const pair = pairs.get(key) ?? { merge, count: 0, words: new Set<Word>() };
    pair.count += sign * word.count;
    if (sign > 0) pair.words.add(word);
    else pair.words.delete(word);
    if (pair.count > 0) pairs.set(key, pair);
    else pairs.delete(key);
  }
}

function mostFrequent(pairs: ReadonlyMap<string, Pair>): Pair | undefined {
  let best: Pair | undefined;
  let bestKey = '';
  for (const [key, pair] of pairs) {
    const isBetter =
      best === undefined || pair.count > best.count || (pair.count === best.count && key < bestKey);
    if (pair.count < MIN_COUNT || !isBetter) continue;
    best = pair;
    bestKey = key;
  }
  return best;
}

/** Replaces every occurrence of the pair, from left to right. */
function mergeWithin(symbols: string[], [left, right]: Merge): void {
  for (let i = 0; i + 1 < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) symbols.splice(i, 2, left + right);
  }
}
