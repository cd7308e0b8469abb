/** Alarms of a training run: said on the console, and kept in run.json. */
import type { MetricRow, RunFolder } from '../../report/index.js';
import { Alarms, alarmLine, type TrainerName } from '../../train/index.js';
import type { RecipeContext } from '../context.js';
import type { TrainerConfig } from './trainer-config.js';

/** The schema has checked that a range has two bounds. */
const rangesOf = ({ alarms }: Pick<TrainerConfig, 'alarms'>) =>
  alarms as Readonly<Record<string, readonly [number | null, number | null] | null>>;

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
  return (row) => {
    for (const alarm of alarms.check(row)) {
      context.log(`warning: step ${row.step}: ${alarmLine(alarm)}`);
      const { name, metric, value, bound } = alarm;
      sounded.push({ step: row.step, name, metric, value, bound });
      run.record({ alarms: sounded });
    }
  };
}
