/**
 * Coherence of the trajectories of one question: whether they end alike (`s_end`), go alike (`s_path`), and
 * still answer the same when the question is worded otherwise (`s_cf`); `s_wm` is their weighted mean.
 * Formulas, ranges and sources: docs/coherence.md. None of them sees the gold answer.
 */
import { mean } from '../../util/numbers.js';

export interface ScoredTrajectory {
  /** Equal keys are equal answers; null: no answer. */
  readonly answer: string | null;
  /** What the reasoning states beyond the question; see `statedValues`. */
  readonly values: ReadonlySet<string>;
  /** Answers of the same arm to the perturbed questions; empty where there are none. */
  readonly perturbed: readonly (string | null)[];
}

export interface ScoreWeights {
  readonly end: number;
  readonly path: number;
  readonly cf: number;
}

/** Each in [0, 1]. Keys are those of the rows. */
export interface CoherenceScores {
  /** Share of the other trajectories with the same answer. */
  readonly s_end: number;
  /** Mean Dice coefficient with the other trajectories' stated values. */
  readonly s_path: number;
  /** Share of the perturbed questions with the same answer; null without any. */
  readonly s_cf: number | null;
  /** Weighted mean of the others; without `s_cf` of the two. */
  readonly s_wm: number;
}

/** @param group all trajectories of one question, two or more */
export function coherenceScores(
  group: readonly ScoredTrajectory[],
  weights: ScoreWeights,
): CoherenceScores[] {
  return group.map((own, index) => {
    const others = group.filter((_, i) => i !== index);
    const s_end = mean(others.map(({ answer }) => sameAnswer(own.answer, answer))) ?? 0;
    const s_path = mean(others.map(({ values }) => dice(own.values, values))) ?? 0;
    const s_cf = mean(own.perturbed.map((answer) => sameAnswer(own.answer, answer)));
    return { s_end, s_path, s_cf, s_wm: weightedMean({ s_end, s_path, s_cf }, weights) };
  });
}

const sameAnswer = (a: string | null, b: string | null): number => (a !== null && a === b ? 1 : 0);

/** 2 |A ∩ B| / (|A| + |B|) (L. R. Dice 1945); 0 when both are empty, as nothing agrees. */
function dice(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size + b.size === 0) return 0;
  const shared = [...a].filter((value) => b.has(value)).length;
  return (2 * shared) / (a.size + b.size);
}

function weightedMean(
  { s_end, s_path, s_cf }: Omit<CoherenceScores, 's_wm'>,
  { end, path, cf }: ScoreWeights,
): number {
  const counter = s_cf === null ? 0 : cf;
  return (end * s_end + path * s_path + counter * (s_cf ?? 0)) / (end + path + counter);
}

const NUMBER = /\d+(?:,\d{3})*(?:\.\d+)?/g;

const numbersOf = (text: string): string[] =>
  (text.match(NUMBER) ?? []).map((word) => String(Number(word.replaceAll(',', ''))));

/**
 * The numbers that a reasoning states and its question does not: the intermediate results, however they
 * are written. Signs are left out, since "12-8" is no negative number.
 * @example statedValues('37+48: 7+8=15, 3+4+1=8, 85', 'Tom has 37 and buys 48 more.') // 7 8 15 3 4 1 85
 */
export function statedValues(reasoning: string, question: string): ReadonlySet<string> {
  const given = new Set(numbersOf(question));
  return new Set(numbersOf(reasoning).filter((value) => !given.has(value)));
}

export interface RewardWeights {
  /** Weight of a correct answer. */
  readonly alpha: number;
  /** Weight of `s_wm`. */
  readonly beta: number;
  /** What a completion of full length loses. */
  readonly lengthPenalty: number;
}

/** alpha · correct + beta · s_wm − lengthPenalty · (tokens / maxTokens), in [−lengthPenalty, alpha + beta]. */
export function coherenceReward(
  {
    correct,
    s_wm,
    length,
  }: { readonly correct: boolean; readonly s_wm: number; readonly length: number },
  { alpha, beta, lengthPenalty }: RewardWeights,
): number {
  return alpha * (correct ? 1 : 0) + beta * s_wm - lengthPenalty * length;
}

/** The reward scaled to [0, 1]. */
export function unitReward(reward: number, { alpha, beta, lengthPenalty }: RewardWeights): number {
  const range = alpha + beta + lengthPenalty;
  return range === 0 ? 0 : Math.min(1, Math.max(0, (reward + lengthPenalty) / range));
}
