/**
 * Training rows that share word n-grams with benchmark rows (13-grams, as in Brown et al. 2020, arXiv
 * 2005.14165, appendix C). Words are runs of letters and digits of any script, in lower case; everything
 * between them is left out. A benchmark row shorter than n words counts when a training row holds all of it
 * in a row, from `MIN_WORDS` words on; a shorter one cannot be told apart from chance, and is counted.
 */

export interface Overlap {
  /** Positions in the two lists. */
  readonly train: number;
  readonly benchmark: number;
  /** Different n-grams that both have; 1 for a short benchmark row that is held whole. */
  readonly shared: number;
  /** The first of them in the training row. */
  readonly example: string;
}

export interface ContaminationReport {
  readonly overlaps: readonly Overlap[];
  /** Benchmark rows of fewer than n words that were looked for whole. */
  readonly short: number;
  /** Benchmark rows too short to be looked for. */
  readonly unchecked: number;
}

const MIN_WORDS = 5;

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** All runs of n words, in order. */
function ngrams(words: readonly string[], n: number): string[] {
  const grams: string[] = [];
  for (let i = 0; i + n <= words.length; i++) grams.push(words.slice(i, i + n).join(' '));
  return grams;
}

/** Length in words → n-gram → benchmark rows that have it. */
type GramIndex = Map<number, Map<string, number[]>>;

function indexOf(benchmark: readonly string[], n: number) {
  const index: GramIndex = new Map();
  let [short, unchecked] = [0, 0];
  for (const [row, text] of benchmark.entries()) {
    const words = wordsOf(text);
    if (words.length < n) short++;
    if (words.length < Math.min(n, MIN_WORDS)) {
      short--;
      unchecked++;
      continue;
    }
    const length = Math.min(n, words.length);
    const grams = index.get(length) ?? new Map<string, number[]>();
    index.set(length, grams);
    for (const gram of new Set(ngrams(words, length))) {
      grams.set(gram, [...(grams.get(gram) ?? []), row]);
    }
  }
  return { index, short, unchecked };
}

/** Benchmark row → what a training text shares with it. */
function sharedWith(text: string, index: GramIndex) {
  const found = new Map<number, { shared: number; example: string }>();
  const words = wordsOf(text);
  for (const [length, grams] of index) {
    for (const gram of new Set(ngrams(words, length))) {
      for (const row of grams.get(gram) ?? []) {
        const before = found.get(row);
        found.set(row, { shared: (before?.shared ?? 0) + 1, example: before?.example ?? gram });
      }
    }
  }
  return found;
}

export interface ContaminationTexts {
  readonly train: Iterable<string>;
  readonly benchmark: readonly string[];
  /** Words of a run; default 13. */
  readonly n?: number;
}

/** Every pair of rows with a run of n words in common, in the order of the training rows. */
export function findContamination({
  train,
  benchmark,
  n = 13,
}: ContaminationTexts): ContaminationReport {
  const { index, short, unchecked } = indexOf(benchmark, n);
  const overlaps: Overlap[] = [];
  let row = 0;
  for (const text of train) {
    const found = [...sharedWith(text, index)].sort(([a], [b]) => a - b);
    for (const [of, shared] of found) overlaps.push({ train: row, benchmark: of, ...shared });
    row++;
  }
  return { overlaps, short, unchecked };
}
