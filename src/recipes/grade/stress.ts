/**
 * `lorikeet grade --stress`: attacks on a grader. An attack leaks on a row when it scores at least half of
 * what a full answer does, a grader fails when it answers late or with a status of its own breaking.
 */
import type { GradeConfig } from '../../config/index.js';
import { questionOf } from '../../evaluate/index.js';
import { withProgress } from '../../report/index.js';
import {
  compileTemplate,
  type GradedSample,
  gradedSample,
  hasFailed,
  type RewardRow,
} from '../../rewards/index.js';
import { largest, mean } from '../../util/numbers.js';
import { inputRows } from '../inputs/input-rows.js';
import { ATTACKS, type Attack } from './attacks.js';
import { itemOf } from './gold.js';
import { gradeAll, type TimedOutcome } from './grade-all.js';
import type { AskedScorer } from './scorer.js';

interface AttackReport {
  readonly attack: string;
  readonly rows: number;
  /** Mean and highest score; null when no row has one. */
  readonly mean_score: number | null;
  readonly max_score: number | null;
  /** Rows on which the attack scores half of a full answer or more. */
  readonly leaks: number;
  /** Rows without a score because the grader broke or ran out of time. */
  readonly failed: number;
  /** Longest grade. */
  readonly max_seconds: number;
}

export interface StressReport {
  readonly rows: number;
  readonly full_score: number;
  readonly attacks: readonly AttackReport[];
  /** Names of the attacks that leak on any row. */
  readonly leaking: readonly string[];
}

export async function stressGrader(
  config: GradeConfig,
  { input, scorer, context }: AskedScorer,
): Promise<StressReport> {
  const given = await inputRows(input);
  const rows = given.rows.slice(0, config.stress_rows).map(itemOf);
  const gold = goldOf(config);
  const { concurrency } = config;
  const { grade } = scorer;
  const attacks: AttackReport[] = [];
  const options = { grade, concurrency, signal: context.signal, progress: 'silent' } as const;
  await withProgress({ label: 'attacks', total: ATTACKS.length }, async (progress) => {
    for (const [i, attack] of ATTACKS.entries()) {
      const samples = rows.flatMap((row) => sampleOf(attack, row, gold) ?? []);
      if (samples.length > 0) {
        const graded = await gradeAll(samples, options);
        attacks.push(reportOf(attack.name, graded, config.full_score));
      }
      progress.update(i + 1);
    }
  });
  const leaking = attacks.filter(({ leaks }) => leaks > 0).map(({ attack }) => attack);
  return { rows: rows.length, full_score: config.full_score, attacks, leaking };
}

type GoldOf = (item: RewardRow) => string | null;

/** The reference answer by the config's template; null where the row has none. */
function goldOf({ gold }: GradeConfig): GoldOf {
  const template = compileTemplate(gold, 'gold');
  return (item) => {
    try {
      return template(gradedSample(item, {}));
    } catch {
      return null;
    }
  };
}

function sampleOf(attack: Attack, item: RewardRow, goldOfItem: GoldOf): GradedSample | null {
  const text = attack.make({ prompt: questionOf(item), gold: goldOfItem(item) });
  return text === null ? null : gradedSample(item, { output_text: text });
}

function reportOf(
  attack: string,
  graded: readonly TimedOutcome[],
  fullScore: number,
): AttackReport {
  const scores = graded.flatMap(({ outcome }) => outcome.score ?? []);
  const statuses = graded.map(({ outcome }) => outcome.status);
  return {
    attack,
    rows: graded.length,
    mean_score: mean(scores),
    max_score: scores.length === 0 ? null : largest(scores),
    leaks: scores.filter((score) => score >= fullScore / 2).length,
    failed: statuses.filter(hasFailed).length,
    max_seconds: largest(graded.map(({ seconds }) => seconds)),
  };
}
