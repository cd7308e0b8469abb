/**
 * METEOR of one text against one reference, 0 to 1: Banerjee and Lavie 2005, with NLTK's parameters and its
 * order of matching (from the last word to the first). Left out: the stage of synonyms, which needs
 * WordNet, so the score equals NLTK's with an empty WordNet.
 */
import { groupBy } from '../../util/group.js';
import { porterStem } from './porter.js';
import { tokens13a } from './tokens.js';

/** Weight of recall in the mean. */
const ALPHA = 0.9;
/** Shape and weight of the penalty for fragments. */
const BETA = 3;
const GAMMA = 0.5;

/** A word of the text and its place, or its stem and its place. */
type Placed = readonly [word: string, place: number];

export function meteor(text: string, reference: string): number {
  const [words, gold] = [text, reference].map((each) =>
    tokens13a(each).map((token, place): Placed => [token.toLowerCase(), place]),
  );
  const exact = matched(words!, gold!);
  const stems = (rest: readonly Placed[]) =>
    rest.map(([word, place]): Placed => [porterStem(word), place]);
  const stemmed = matched(stems(exact.words), stems(exact.gold));
  const pairs = [...exact.pairs, ...stemmed.pairs].sort((a, b) => a[0] - b[0]);
  if (pairs.length === 0) return 0;
  const precision = pairs.length / words!.length;
  const recall = pairs.length / gold!.length;
  const mean = (precision * recall) / (ALPHA * precision + (1 - ALPHA) * recall);
  return (1 - GAMMA * (chunks(pairs) / pairs.length) ** BETA) * mean;
}

type Pair = readonly [place: number, goldPlace: number];

/** Pairs of equal words, each with the last one of the reference that is free, and what stays unmatched. */
function matched(words: readonly Placed[], gold: readonly Placed[]) {
  const free = groupBy(gold.keys(), (index) => gold[index]![0]);
  const pairs: Pair[] = [];
  const usedWords = new Set<number>();
  const usedGold = new Set<number>();
  for (let i = words.length - 1; i >= 0; i--) {
    const index = free.get(words[i]![0])?.pop();
    if (index === undefined) continue;
    usedWords.add(i);
    usedGold.add(index);
    pairs.push([words[i]![1], gold[index]![1]]);
  }
  return {
    pairs,
    words: words.filter((_, i) => !usedWords.has(i)),
    gold: gold.filter((_, i) => !usedGold.has(i)),
  };
}

/** Runs of pairs that are neighbours on both sides. */
function chunks(pairs: readonly Pair[]): number {
  let count = 1;
  for (let i = 1; i < pairs.length; i++) {
    const [a, b] = [pairs[i - 1]!, pairs[i]!];
    if (b[0] !== a[0] + 1 || b[1] !== a[1] + 1) count++;
  }
  return count;
}
