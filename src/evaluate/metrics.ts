/** Metrics of an evaluation, by the names of its JSON file. Shares are of 1. */
import { groupBy } from '../util/group.js';
import { largest, mean, share, smallest, sum } from '../util/numbers.js';
import { type EvalRow, isCorrect, isFlexiblyCorrect } from './eval-row.js';
import { shares, withInterval } from './intervals.js';
import { majorityAtK } from './majority.js';
import { passAtK } from './pass-at-k.js';

export interface EvalMetrics {
  /** Examples of which a completion could be graded; the denominator of the accuracies. */
  readonly eval_size: number;
  readonly samples_per_example: number;
  /** Completions that could be graded, and those that could not: no gold answer, or a grader that failed. */
  readonly graded: number;
  readonly ungraded: number;
  /** Completions that are right. */
  readonly correct: number;
  /** Share of right answers between the tags, with its 95% interval; null where nothing could be graded. */
  readonly accuracy: number | null;
  readonly accuracy_low: number | null;
  readonly accuracy_high: number | null;
  /** The same by the last number of the response. */
  readonly flexible_accuracy: number | null;
  readonly flexible_accuracy_low: number | null;
  readonly flexible_accuracy_high: number | null;
  /** Responses that contain reasoning. */
  readonly thinking_proportion: number;
  /** Responses with an extractable final answer. */
  readonly answer_proportion: number;
  readonly format_rate: number;
  /** Responses cut at the token limit. */
  readonly truncation_rate: number;
  /** Tokens. */
  readonly mean_length: number;
  readonly max_length: number;
  /** Null without rewards. */
  readonly mean_reward: number | null;
  /** Of graders that give parts of the score, with the 95% interval of the mean. */
  readonly mean_score?: number;
  readonly mean_score_low?: number;
  readonly mean_score_high?: number;
  /** Completions by the status of the grader object that judged them. */
  readonly status_ok?: number;
  readonly status_timeout?: number;
  readonly status_error?: number;
  readonly status_skipped?: number;
  /** Wall seconds of the evaluation. */
  readonly seconds: number;
  /** Mean of each reward, over the completions that have it; absent where none has. */
  readonly [reward: `rewards/${string}/mean`]: number;
  /** Completions that a reward could not grade; absent where it graded all. */
  readonly [reward: `rewards/${string}/ungraded`]: number;
  /** Mean of each part of the score, over all completions that have it, and behind `/ungraded` how many have not. */
  readonly [part: `parts/${string}`]: number;
  /** Of strategies: means over problems, sums of what code and selections took, problems that a budget ended. */
  readonly [strategy: `strategy/${string}`]: number;
  readonly [passAt: `pass@${number}`]: number | null;
  readonly [majorityAt: `maj@${number}`]: number | null;
}

/** @param rows those of one example next to each other, `samples` each */
export function evalMetrics(
  rows: readonly EvalRow[],
  {
    samples,
    passAt,
    majorityAt,
  }: {
    readonly samples: number;
    readonly passAt: readonly number[];
    readonly majorityAt: readonly number[];
  },
): Omit<EvalMetrics, 'seconds'> {
  const graded = rows.filter(({ correct }) => correct !== null);
  const groups = [...groupBy(graded, ({ index }) => index).values()];
  const rewards = rows.flatMap(({ reward }) => reward ?? []);
  return {
    eval_size: groups.length,
    samples_per_example: samples,
    graded: graded.length,
    ungraded: rows.length - graded.length,
    correct: graded.filter(({ correct }) => correct).length,
    ...withInterval('accuracy', shares(groups, isCorrect)),
    ...withInterval('flexible_accuracy', shares(groups, isFlexiblyCorrect)),
    thinking_proportion: share(rows, ({ has_reasoning }) => has_reasoning),
    answer_proportion: share(rows, ({ has_answer }) => has_answer),
    format_rate: share(rows, ({ format_ok }) => format_ok),
    truncation_rate: share(rows, ({ truncated }) => truncated),
    mean_length: mean(rows.map(({ tokens }) => tokens)) ?? 0,
    max_length: Math.max(0, largest(rows.map(({ tokens }) => tokens))),
    mean_reward: mean(rewards),
    ...scoreMetrics(groups),
    ...meansOf(rows, 'rewards', '/mean'),
    ...meansOf(rows, 'parts'),
    ...statusCounts(rows),
    ...strategyMetrics(rows),
    ...atEach('pass', passAt, (k) =>
      meanKnown(groups, (group) => passAtK(group.length, countRight(group), k)),
    ),
    ...atEach('maj', majorityAt, (k) => meanKnown(groups, (group) => majorityAtK(group, k))),
  };
}

type Group = readonly EvalRow[];

/** Mean over the examples' mean scores; nothing where the grader gives none. */
function scoreMetrics(groups: readonly Group[]) {
  const means = groups.flatMap((group) => {
    const scores = group.flatMap(({ score }) => score ?? []);
    return mean(scores) ?? [];
  });
  const bounds = { low: Math.min(0, smallest(means)), high: Math.max(1, largest(means)) };
  const score = withInterval('mean_score', means, bounds);
  return score.mean_score === null ? {} : score;
}

/** Means by name, and how many have no score. Where none has one there is no mean: 0 would be a judgement. */
function meansOf<Kind extends 'rewards' | 'parts'>(
  rows: readonly EvalRow[],
  kind: Kind,
  suffix = '',
): Record<`${Kind}/${string}`, number> {
  const names = new Set(rows.flatMap((row) => Object.keys(row[kind] ?? {})));
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const scores = rows.flatMap((row) => row[kind]?.[name] ?? []);
      const ungraded = rows.length - scores.length;
      return [
        ...(scores.length === 0 ? [] : [[`${kind}/${name}${suffix}`, mean(scores)!]]),
        ...(ungraded === 0 ? [] : [[`${kind}/${name}/ungraded`, ungraded]]),
      ];
    }),
  );
}

/** Nothing of greedy answers without a budget, nor of what did not happen. */
function strategyMetrics(rows: readonly EvalRow[]): Record<`strategy/${string}`, number> {
  const facts = rows.flatMap(({ strategy }) => strategy ?? []);
  if (facts.length === 0) return {};
  const total = (key: 'executions' | 'failed_executions' | 'selections' | 'invalid_selections') =>
    [key, sum(facts.map((each) => each[key]))] as const;
  const endedBy = (budget: string) =>
    [`ended_by_${budget}`, facts.filter(({ stopped }) => stopped === budget).length] as const;
  const agreement = mean(facts.flatMap(({ agreement: own }) => own ?? []));
  const counts = [
    ...[total('executions'), total('failed_executions')],
    ...[total('selections'), total('invalid_selections')],
    ...[endedBy('time'), endedBy('tokens')],
  ].filter(([, count]) => count > 0);
  return Object.fromEntries(
    [
      ['candidates', mean(facts.map(({ candidates }) => candidates))!] as const,
      ...(agreement === null ? [] : [['agreement', agreement] as const]),
      ['tokens', mean(facts.map(({ tokens }) => tokens))!] as const,
      ...counts,
    ].map(([name, value]) => [`strategy/${name}`, value]),
  );
}

/** Nothing where no grader object judged. */
function statusCounts(rows: readonly EvalRow[]) {
  if (rows.every(({ status }) => status === undefined)) return {};
  const count = (wanted: string) => rows.filter(({ status }) => status === wanted).length;
  return {
    status_ok: count('ok'),
    status_timeout: count('timeout'),
    status_error: count('error'),
    status_skipped: count('skipped'),
  };
}

function atEach(
  name: string,
  ks: readonly number[],
  value: (k: number) => number | null,
): Record<string, number | null> {
  return Object.fromEntries(ks.map((k) => [`${name}@${k}`, value(k)]));
}

/** Mean over the groups that have a value; null when none has. */
function meanKnown(groups: readonly Group[], of: (group: Group) => number | null): number | null {
  const known = groups.map(of).filter((value) => value !== null);
  return mean(known);
}

const countRight = (group: Group): number => group.filter(({ correct }) => correct).length;
