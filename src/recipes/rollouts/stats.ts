/** What the trajectories of a run say together: shares with intervals over questions, and each arm's. */
import { withInterval } from '../../evaluate/index.js';
import { type Posterior, recordOf } from '../../preferences/index.js';
import { groupBy } from '../../util/group.js';
import { mean, share, sum } from '../../util/numbers.js';
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
  /** Of Beta(1 + S, 1 + n − S). */
  readonly posterior_mean: number;
}

type Rows = readonly TrajectoryRow[];

const shareOf = (rows: Rows, key: 'correct' | 'coherent_correct'): number =>
  share(rows, (row) => row[key] === true);
const known = (rows: Rows, key: 'reward' | 's_cf'): number[] =>
  rows.flatMap((row) => row[key] ?? []);

export function rolloutsStats(
  rows: Rows,
  { arms, posterior }: { readonly arms: readonly string[]; readonly posterior: Posterior },
): RolloutsStats {
  const graded = rows.filter(({ correct }) => correct !== null);
  const groups = [...groupBy(graded, ({ prompt_id }) => prompt_id).values()];
  const right = groups.map((group) => shareOf(group, 'correct'));
  const coherent = groups.map((group) => shareOf(group, 'coherent_correct'));
  const byQuestion = [...groupBy(rows, ({ prompt_id }) => prompt_id).values()];
  return {
    questions: byQuestion.length,
    trajectories: rows.length,
    completions: sum(rows.map((row) => 1 + row.perturbed_answers.length)),
    tokens: sum(rows.map(({ num_tokens: tokens }) => tokens)),
    ungraded: rows.length - graded.length,
    ...withInterval('accuracy', right),
    ...withInterval('coherent_correct', coherent),
    solved: right.filter((value) => value > 0).length,
    mean_reward: mean(known(rows, 'reward')),
    mean_s_end: mean(rows.map(({ s_end }) => s_end)) ?? 0,
    mean_s_path: mean(rows.map(({ s_path }) => s_path)) ?? 0,
    mean_s_cf: mean(known(rows, 's_cf')),
    mean_s_wm: mean(rows.map(({ s_wm }) => s_wm)) ?? 0,
    unperturbed: byQuestion.filter(([first]) => first?.perturbed_answers.length === 0).length,
    truncated: rows.filter(({ finish_reason: reason }) => reason === 'length').length,
    arms: Object.fromEntries(arms.map((arm) => [arm, armStats(arm, rows, posterior)])),
  };
}

function armStats(arm: string, rows: Rows, posterior: Posterior): ArmStats {
  const own = rows.filter((row) => row.arm === arm);
  const graded = own.filter(({ correct }) => correct !== null);
  const { pulls, reward_sum: total } = recordOf(posterior, arm);
  return {
    pulls: own.length,
    accuracy: graded.length === 0 ? null : shareOf(graded, 'correct'),
    mean_reward: mean(known(own, 'reward')),
    mean_s_wm: mean(own.map(({ s_wm }) => s_wm)) ?? 0,
    posterior_pulls: pulls,
    posterior_mean: (1 + total) / (2 + pulls),
  };
}
