/** What a run reports to beside its own files: TensorBoard, Weights & Biases, MLflow. */
import type { TrackerName } from '../../util/tracker-names.js';
import type { MetricRow } from '../rows/metric-row.js';
import type { RunStatus } from '../run/run-record.js';
import type { Cell } from '../text-table.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** Rows under a metric name, e.g. the completions of an evaluation as `eval/samples_step_20`. */
export interface SampleTable {
  readonly name: string;
  readonly step: number;
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Calls come one after the other: the next one waits for the last one's end. */
export interface Tracker {
  readonly name: TrackerName;
  /** Where the run can be looked at; null where that is not known. */
  readonly place: string | null;
  log(rows: readonly MetricRow[]): Promise<void>;
  table(table: SampleTable): Promise<void>;
  finish(status: Exclude<RunStatus, 'running'>): Promise<void>;
}

/** What a tracker is told of its run. */
export interface TrackedRun {
  readonly runId: string;
  readonly dir: string;
  /** Name for people: `run_name`, else the run id. */
  readonly name: string;
  /** The resolved config. */
  readonly config: unknown;
  /** Steps done before this process, also 0; null in a fresh run. */
  readonly startStep: number | null;
}

/** The numbers of a row under their names, without its step. */
export function numbersOf(row: MetricRow): [string, number][] {
  return Object.entries(row).flatMap(([name, value]) =>
    typeof value === 'number' && name !== 'step' ? [[name, value]] : [],
  );
}
