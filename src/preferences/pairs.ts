/**
 * Completion rows into preference pairs for DPO: correct against incorrect first, then, when asked for,
 * pairs by another score. Every prompt that gives no pair is counted with its reason.
 */
import { InputError } from '../util/errors.js';
import { groupBy } from '../util/group.js';
import { mean, sum } from '../util/numbers.js';
import { Rng } from '../util/rng.js';
import { capPairs } from './cap-pairs.js';

/** A completion row; `samples.jsonl` holds such rows. */
export interface CompletionRow {
  readonly question?: string;
  /** Prompt as the model saw it; groups rows that have no question. */
  readonly prompt?: string;
  readonly completion: string;
  /** Null: could not be graded; such rows are left out and counted. */
  readonly reward: number | null;
  readonly correct?: boolean | null;
}

/** Keys are those of the file; `prompt` stands where the rows have no `question`. */
export interface PreferencePair {
  readonly question?: string;
  readonly prompt?: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly chosen_reward: number;
  readonly rejected_reward: number;
  readonly pair_type: string;
}

/** Pairs beyond correctness. */
interface ScorePairs<T extends CompletionRow> {
  /** Their `pair_type`. */
  readonly type: string;
  /** Higher is better; null leaves the row out of these pairs. The reward by default. */
  readonly score?: (row: T) => number | null;
  /** `correct`: only among correct rows, beside the pairs by correctness. `all`: in place of those. */
  readonly among: 'correct' | 'all';
  /** The difference of their scores must be above this; `PairOptions.minMargin` by default. */
  readonly minMargin?: number;
  /** Of a prompt; by default what the pairs by correctness leave of `maxPairsPerPrompt`. */
  readonly maxPerPrompt?: number;
}

export interface PairOptions<T extends CompletionRow> {
  /** 1 by default. */
  readonly maxPairsPerPrompt?: number;
  /** The difference of a pair (reward, or `scorePairs.score`) must be above this; 0 by default. */
  readonly minMargin?: number;
  readonly seed: number;
  /** False leaves out pairs of correct against incorrect; true by default. */
  readonly byCorrectness?: boolean;
  /** Pairs of each type, drawn by the seed; all by default. */
  readonly maxPairsPerType?: number | null;
  /**
   * Off by default: pairs are correct against incorrect. Rows without `correct` need it, as they can be
   * told apart by a score only.
   */
  readonly scorePairs?: ScorePairs<T>;
}

/** Keys are those of the stats file. */
export interface PairStats {
  readonly prompts: number;
  readonly pairs: number;
  readonly pairs_by_type: Readonly<Record<string, number>>;
  readonly prompts_with_pair: number;
  /** Pairs left out by `maxPairsPerType`. */
  readonly pairs_over_cap: number;
  /** Prompts without a pair, by reason. */
  readonly prompts_without_pair: Readonly<Record<NoPairReason, number>>;
  readonly duplicates_dropped: number;
  readonly ungraded_dropped: number;
  /** Mean of chosen_reward − rejected_reward; null without pairs. */
  readonly mean_margin: number | null;
}

/** `small_margin`: there were candidates, and none differed enough. */
type NoPairReason = 'all_correct' | 'all_incorrect' | 'single' | 'small_margin';

/** A text under a prompt: its first row, with the means of what it got each time that it was sampled. */
interface Candidate {
  readonly row: CompletionRow;
  readonly reward: number;
  /** Null: no row of it has one. */
  readonly score: number | null;
}

/**
 * Pairs in order of first appearance of their prompt. The same rows and seed give the same pairs. A
 * completion that stands twice under a prompt counts once, with the mean of its rewards and of its scores.
 * @throws InputError when no row has `correct` and no `scorePairs` are asked for
 */
export function pairsFromRollouts<T extends CompletionRow>(
  rows: readonly T[],
  options: PairOptions<T>,
): { pairs: PreferencePair[]; stats: PairStats } {
  const { seed, scorePairs } = options;
  const graded = rows.filter(({ reward }) => reward !== null);
  if (scorePairs === undefined && graded.length > 0 && !graded.some(hasCorrect)) {
    throw new InputError({
      where: 'pairs',
      problem: 'no row says whether its completion is correct',
      remedy: 'Make pairs by score, or grade the rows with the correctness reward',
    });
  }
  const reasons = { all_correct: 0, all_incorrect: 0, single: 0, small_margin: 0 };
  const pairs: PreferencePair[] = [];
  let duplicates = 0;
  const groups = groupBy(graded, promptOf);
  for (const [prompt, group] of groups) {
    const unique = candidatesOf(group, scorePairs?.score);
    duplicates += group.length - unique.length;
    const chosen = pairsOf(unique, Rng.of(seed, 'pairs', prompt), options);
    for (const pair of chosen) pairs.push(pair);
    if (chosen.length === 0) reasons[noPairReason(unique)] += 1;
  }
  const without = sum(Object.values(reasons));
  const kept = capPairs(pairs, { perType: options.maxPairsPerType ?? null, seed });
  return {
    pairs: kept,
    stats: {
      prompts: groups.size,
      pairs: kept.length,
      pairs_by_type: countTypes(kept),
      pairs_over_cap: pairs.length - kept.length,
      prompts_with_pair: groups.size - without,
      prompts_without_pair: reasons,
      duplicates_dropped: duplicates,
      ungraded_dropped: rows.length - graded.length,
      mean_margin: mean(kept.map((pair) => pair.chosen_reward - pair.rejected_reward)),
    },
  };
}

/** @param rows of one prompt, all with a reward */
function candidatesOf<T extends CompletionRow>(
  rows: readonly T[],
  scoreOf: ScorePairs<T>['score'] = ({ reward }) => reward,
): Candidate[] {
  return [...groupBy(rows, ({ completion }) => completion).values()].map((same) => ({
    row: same[0]!,
    reward: mean(same.flatMap(({ reward }) => reward ?? []))!,
    score: mean(same.flatMap((row) => scoreOf(row) ?? [])),
  }));
}

/** What sums of the same numbers in another order may differ by is no margin. */
const isWider = (margin: number, minMargin: number) => margin > minMargin + 1e-9;

/** Pairs of one prompt: first those by correctness, then those by score. */
function pairsOf<T extends CompletionRow>(
  rows: readonly Candidate[],
  rng: Rng,
  options: PairOptions<T>,
): PreferencePair[] {
  const { maxPairsPerPrompt = 1, minMargin = 0, byCorrectness = true, scorePairs } = options;
  const first = byCorrectness ? distinct(correctnessPairs(rows, { rng, minMargin })) : [];
  const chosen = first.slice(0, maxPairsPerPrompt);
  if (scorePairs === undefined) return chosen;
  const more = scoredPairs(rows, { rng, minMargin, ...scorePairs });
  const left = scorePairs.maxPerPrompt ?? maxPairsPerPrompt - chosen.length;
  return distinct([...chosen, ...more]).slice(0, chosen.length + left);
}

function promptOf(row: CompletionRow): string {
  const prompt: unknown = row.question ?? row.prompt;
  if (prompt !== undefined) return typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
  throw new InputError({ where: 'pairs', problem: 'a row has neither question nor prompt' });
}

function hasCorrect({ correct }: CompletionRow): boolean {
  return typeof correct === 'boolean';
}

interface Choice {
  readonly rng: Rng;
  readonly minMargin: number;
}

function correctnessPairs(
  rows: readonly Candidate[],
  { rng, minMargin }: Choice,
): PreferencePair[] {
  const right = rng.shuffle(rows.filter(({ row }) => row.correct === true));
  const wrong = rng.shuffle(rows.filter(({ row }) => row.correct === false));
  return crossed(right, wrong)
    .filter(([chosen, rejected]) => isWider(chosen.reward - rejected.reward, minMargin))
    .map(([chosen, rejected]) => toPair(chosen, rejected, 'correctness'));
}

/** Every combination once, each of the shorter list's rows used as evenly as can be. */
function crossed<T>(a: readonly T[], b: readonly T[]): [T, T][] {
  const [outer, inner] = a.length >= b.length ? [a, b] : [b, a];
  const pairs: [T, T][] = [];
  for (let shift = 0; shift < inner.length; shift++) {
    for (const [i, item] of outer.entries()) {
      const other = inner[(i + shift) % inner.length] as T;
      pairs.push(outer === a ? [item, other] : [other, item]);
    }
  }
  return pairs;
}

/** Pairs by score, widest margin first; equal margins in the shuffled order. */
function scoredPairs(
  rows: readonly Candidate[],
  { rng, minMargin, type, among }: Choice & Pick<ScorePairs<never>, 'type' | 'among'>,
): PreferencePair[] {
  const scored = rng
    .shuffle(rows.filter(({ row }) => among === 'all' || row.correct === true))
    .flatMap((one) => (one.score === null ? [] : [{ one, value: one.score }]));
  return scored
    .flatMap((better) =>
      scored
        .filter((worse) => isWider(better.value - worse.value, minMargin))
        .map((worse) => ({
          pair: toPair(better.one, worse.one, type),
          margin: better.value - worse.value,
        })),
    )
    .sort((a, b) => b.margin - a.margin)
    .map(({ pair }) => pair);
}

function toPair(chosen: Candidate, rejected: Candidate, type: string): PreferencePair {
  const { question, prompt, completion } = chosen.row;
  return {
    ...(question === undefined ? { prompt: prompt ?? '' } : { question }),
    chosen: completion,
    rejected: rejected.row.completion,
    chosen_reward: chosen.reward,
    rejected_reward: rejected.reward,
    pair_type: type,
  };
}

/** The first of pairs of the same two completions, whichever is chosen. */
function distinct(pairs: readonly PreferencePair[]): PreferencePair[] {
  const seen = new Set<string>();
  return pairs.filter(({ chosen, rejected }) => {
    const key = JSON.stringify([chosen, rejected].sort());
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function noPairReason(rows: readonly Candidate[]): NoPairReason {
  if (rows.length < 2) return 'single';
  if (rows.every(({ row }) => row.correct === true)) return 'all_correct';
  if (rows.every(({ row }) => row.correct === false)) return 'all_incorrect';
  return 'small_margin';
}

function countTypes(pairs: readonly PreferencePair[]): Record<string, number> {
  const groups = groupBy(pairs, ({ pair_type }) => pair_type);
  return Object.fromEntries([...groups].map(([type, group]) => [type, group.length]));
}
