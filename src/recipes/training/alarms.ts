/** Alarms of a training run: said on the console, and kept in run.json. */
import type { MetricRow, RunFolder } from '../../report/index.js';
import { ALARMS, Alarms, alarmLine, type TrainerName } from '../../train/index.js';
import { InputError } from '../../util/errors.js';
import { knownNames } from '../../util/nearest.js';
import type { RecipeContext } from '../context.js';
import type { TrainerConfig } from './trainer-config.js';

/** The schema has checked that a range has two bounds. */
const rangesOf = ({ alarms }: Pick<TrainerConfig, 'alarms'>) =>
  alarms as Readonly<Record<string, readonly [number | null, number | null] | null>>;

/** @throws InputError for a metric that no alarm watches, and a bound on a side that none does */
export function checkAlarms(config: Pick<TrainerConfig, 'alarms'>): void {
  const rules = Object.values(ALARMS);
  for (const [metric, range] of Object.entries(rangesOf(config))) {
    const where = `alarms.${metric}`;
    const sides = rules.filter((rule) => rule.metric === metric).map(({ side }) => side);
    if (sides.length === 0) {
      const known = [...new Set<string>(rules.map((rule) => rule.metric))];
      const remedy = knownNames(metric, known);
      throw new InputError({ where, problem: 'no alarm watches this metric', remedy });
    }
    const [low = null, high = null] = range ?? [];
    const isBounded = { low: low !== null, high: high !== null };
    for (const side of ['low', 'high'] as const) {
      if (!isBounded[side] || sides.includes(side)) continue;
      const watched = JSON.stringify(side === 'low' ? [null, high] : [low, null]);
      const problem = `no alarm watches whether this metric is too ${side}`;
      throw new InputError({ where, problem, remedy: `Give ${watched}` });
    }
  }
}

/** @param startStep Steps that are done; what sounded after them sounds again. @returns What is to see every row */
export function watchRows(
  trainer: TrainerName,
  config: Pick<TrainerConfig, 'alarms'>,
  {
    run,
    context,
    startStep,
  }: {
    readonly run: Pick<RunFolder, 'formerAlarms' | 'record'>;
    readonly context: Pick<RecipeContext, 'log'>;
    readonly startStep: number;
  },
): (row: MetricRow) => void {
  const alarms = new Alarms({ trainer, ranges: rangesOf(config) });
  const sounded = run.formerAlarms.filter(({ step }) => Number(step) <= startStep);
  if (sounded.length < run.formerAlarms.length) run.record({ alarms: sounded });
  return (row) => {
    for (const alarm of alarms.check(row)) {
      context.log(`warning: step ${row.step}: ${alarmLine(alarm)}`);
      const { name, metric, value, bound } = alarm;
      sounded.push({ step: row.step, name, metric, value, bound });
      run.record({ alarms: sounded });
    }
  };
}
