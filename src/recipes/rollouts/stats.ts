/** What the trajectories of a run say together: shares with intervals over questions, and each arm's. */
import { shareInterval } from '../../evaluate/index.js';
import { type Posterior, recordOf } from '../../preferences/index.js';
import { groupBy } from '../../util/group.js';
import type { TrajectoryRow } from './trajectories.js';

/** Keys are those of the stats file; shares and means are over questions, intervals are of 95%. */
export interface RolloutsStats {
  readonly questions: number;
  readonly trajectories: number;
  /** Completions sampled, those of other wordings included. */
  readonly completions: number;
  /** New tokens of the trajectories. */
  readonly tokens: number;
  readonly ungraded: number;
  /** Of the questions that could be graded, as the next five; null where none could. */
  readonly accuracy: number | null;
  readonly accuracy_low: number | null;
  readonly accuracy_high: number | null;
  readonly coherent_correct: number | null;
  readonly coherent_correct_low: number | null;
  readonly coherent_correct_high: number | null;
  /** Questions with at least one correct trajectory. */
  readonly solved: number;
  readonly mean_reward: number | null;
  readonly mean_s_end: number;
  readonly mean_s_path: number;
  readonly mean_s_cf: number | null;
  readonly mean_s_wm: number;
  /** Questions that no perturbation changes, which have no `s_cf`. */
  readonly unperturbed: number;
  readonly truncated: number;
  readonly arms: Readonly<Record<string, ArmStats>>;
}

interface ArmStats {
  readonly pulls: number;
  /** Of its graded trajectories; null without one. */
  readonly accuracy: number | null;
  readonly mean_reward: number | null;
  readonly mean_s_wm: number;
  /** Of the posterior, earlier runs included. */
  readonly posterior_pulls: number;
  readonly posterior_mean: number | null;
}

type Rows = readonly TrajectoryRow[];

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
const meanOrNull = (values: readonly number[]): number | null =>
  values.length === 0 ? null : mean(values);
const share = (rows: Rows, key: 'correct' | 'coherent_correct'): number =>
  mean(rows.map((row) => (row[key] === true ? 1 : 0)));
const known = (rows: Rows, key: 'reward' | 's_cf'): number[] =>
  rows.flatMap((row) => row[key] ?? []);

export function rolloutsStats(
  rows: Rows,
  { arms, posterior }: { readonly arms: readonly string[]; readonly posterior: Posterior },
): RolloutsStats {
  const graded = rows.filter(({ correct }) => correct !== null);
  const groups = [...groupBy(graded, ({ prompt_id }) => prompt_id).values()];
  const right = groups.map((group) => share(group, 'correct'));
  const coherent = groups.map((group) => share(group, 'coherent_correct'));
  const byQuestion = [...groupBy(rows, ({ prompt_id }) => prompt_id).values()];
  return {
    questions: byQuestion.length,
    trajectories: rows.length,
    completions: rows.reduce((sum, row) => sum + 1 + row.perturbed_answers.length, 0),
    tokens: rows.reduce((sum, { num_tokens: tokens }) => sum + tokens, 0),
    ungraded: rows.length - graded.length,
    ...withInterval('accuracy', right),
    ...withInterval('coherent_correct', coherent),
    solved: right.filter((value) => value > 0).length,
    mean_reward: meanOrNull(known(rows, 'reward')),
    mean_s_end: mean(rows.map(({ s_end }) => s_end)),
    mean_s_path: mean(rows.map(({ s_path }) => s_path)),
    mean_s_cf: meanOrNull(known(rows, 's_cf')),
    mean_s_wm: mean(rows.map(({ s_wm }) => s_wm)),
    unperturbed: byQuestion.filter(([first]) => first?.perturbed_answers.length === 0).length,
    truncated: rows.filter(({ finish_reason: reason }) => reason === 'length').length,
    arms: Object.fromEntries(arms.map((arm) => [arm, armStats(arm, rows, posterior)])),
  };
}

function withInterval<K extends string>(
  name: K,
  values: readonly number[],
): Record<K | `${K}_low` | `${K}_high`, number | null> {
  const { low, high } = values.length === 0 ? { low: null, high: null } : shareInterval(values);
  const entries = { [name]: meanOrNull(values), [`${name}_low`]: low, [`${name}_high`]: high };
  return entries as Record<K | `${K}_low` | `${K}_high`, number | null>;
}

function armStats(arm: string, rows: Rows, posterior: Posterior): ArmStats {
  const own = rows.filter((row) => row.arm === arm);
  const graded = own.filter(({ correct }) => correct !== null);
  const { pulls, reward_sum: sum } = recordOf(posterior, arm);
  return {
    pulls: own.length,
    accuracy: graded.length === 0 ? null : share(graded, 'correct'),
    mean_reward: meanOrNull(known(own, 'reward')),
    mean_s_wm: mean(own.map(({ s_wm }) => s_wm)),
    posterior_pulls: pulls,
    posterior_mean: pulls === 0 ? null : sum / pulls,
  };
}
