/**
 * BLEU, GLEU and ROUGE of one text against one reference, all 0 to 1.
 *
 * - BLEU: Papineni et al. 2002, for sentences as sacreBLEU scores them: four orders or as many as the text
 *   has, orders without a match by exponential smoothing (Chen and Cherry 2014, method 3).
 * - GLEU: Wu et al. 2016, the smaller of precision and recall over all runs of one to four tokens.
 * - ROUGE: Lin 2004, F1 of runs of n words, or of the longest common subsequence of words; no stemming.
 */
import { lcsLength } from './lcs.js';
import { trimmedAtEnd } from './process.js';
import { ngramTotal, rougeTokens, sharedNgrams, tokens13a } from './tokens.js';

const ORDERS = [1, 2, 3, 4];

/** Sentence BLEU. 0 when no token matches. White space at the ends is no part of a sentence. */
export function bleu(text: string, reference: string): number {
  const [tokens, gold] = [tokens13a(trimmedAtEnd(text)), tokens13a(trimmedAtEnd(reference))];
  const orders = ORDERS.filter((n) => ngramTotal(tokens, n) > 0);
  const shared = orders.map((n) => sharedNgrams(tokens, gold, n));
  if (shared.every((count) => count === 0)) return 0;
  let halvings = 0;
  const logs = orders.map((n, i) => {
    const count = shared[i]! > 0 ? shared[i]! : 2 ** -++halvings;
    return Math.log(count / ngramTotal(tokens, n));
  });
  const mean = logs.reduce((sum, log) => sum + log, 0) / orders.length;
  const brevity = tokens.length < gold.length ? 1 - gold.length / tokens.length : 0;
  return Math.min(1, Math.exp(brevity + mean));
}

/** Sentence GLEU. 0 when either text has no token. */
export function gleu(text: string, reference: string): number {
  const [tokens, gold] = [tokens13a(text), tokens13a(reference)];
  const sum = (each: (n: number) => number) => ORDERS.reduce((total, n) => total + each(n), 0);
  const most = Math.max(
    sum((n) => ngramTotal(tokens, n)),
    sum((n) => ngramTotal(gold, n)),
  );
  return most === 0 ? 0 : sum((n) => sharedNgrams(tokens, gold, n)) / most;
}

/** F1 of the runs of `n` words. */
export function rougeN(text: string, reference: string, n: number): number {
  const [words, gold] = [rougeTokens(text), rougeTokens(reference)];
  return f1(sharedNgrams(words, gold, n), ngramTotal(words, n), ngramTotal(gold, n));
}

/** F1 of the longest common subsequence of words. @throws WorkLimitError */
export function rougeL(text: string, reference: string): number {
  const ids = new Map<string, number>();
  const idOf = (word: string): number => {
    const id = ids.get(word) ?? ids.size;
    ids.set(word, id);
    return id;
  };
  const [words, gold] = [text, reference].map((each) => Int32Array.from(rougeTokens(each), idOf));
  return f1(lcsLength(words!, gold!), words!.length, gold!.length);
}

/** Harmonic mean of shared / a and shared / b. */
const f1 = (shared: number, a: number, b: number): number =>
  shared === 0 ? 0 : (2 * shared) / (a + b);
