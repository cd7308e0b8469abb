/**
 * A training run in the words of OpenAI's fine-tuning API: the job with its status and hyperparameters, the
 * means of its rewards, and its events. Everything is read from the run's folder.
 */
import { numberOf, textOf } from '../../util/json-object.js';
import { mean } from '../../util/numbers.js';
import type { MetricRow } from '../rows/metric-row.js';
import type { RunRecord } from '../run/run-record.js';
import { formatCell } from '../text-table.js';
import { SERVICE_METRICS } from './service-metrics.js';

/** The first four are those of a run on this machine; a service has all. */
type JobState =
  | ('running' | 'succeeded' | 'failed' | 'paused')
  | ('validating_files' | 'queued' | 'cancelled');

export interface JobEvent {
  readonly object: 'fine_tuning.job.event';
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly type: 'message' | 'metrics';
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface JobStatus {
  readonly object: 'fine_tuning.job';
  readonly id: string;
  readonly status: JobState;
  readonly method: string;
  readonly model: string | null;
  /** Folder of the result; null until there is one. */
  readonly fine_tuned_model: string | null;
  readonly suffix: string | null;
  readonly created_at: number;
  readonly finished_at: number | null;
  /** Why the run failed or paused. */
  readonly error: { readonly message: string } | null;
  readonly training_file: string | null;
  readonly validation_file: string | null;
  readonly purpose: 'fine-tune';
  readonly hyperparameters: Readonly<Record<string, number | string | null>>;
  readonly seed: number | null;
  readonly trained_steps: number;
  readonly trained_tokens: number | null;
  readonly metrics: JobMetrics;
  /** The last ones, newest first. */
  readonly events: readonly JobEvent[];
}

/** Null where the run has no such numbers. */
interface JobMetrics {
  /** Mean reward of the last tenth of the steps, and of the first. */
  readonly train_reward_mean: number | null;
  readonly train_reward_mean_first: number | null;
  /** By how much it has risen. */
  readonly train_reward_rise: number | null;
  /** Of the last evaluation on validation rows. */
  readonly valid_reward_mean: number | null;
  readonly train_loss: number | null;
  readonly valid_loss: number | null;
}

interface JobRun {
  readonly dir: string;
  readonly record: RunRecord;
  readonly metrics: readonly MetricRow[];
}

type Row = Readonly<Record<string, unknown>>;

/** @param isAlive whether a process is writing into the folder */
export function jobStatus(run: JobRun, options: { limit: number; isAlive: boolean }): JobStatus {
  const { record, metrics, dir } = run;
  const config = (record.config ?? {}) as Row;
  const status = localJobState(record, options.isAlive);
  const last = metrics.at(-1);
  return {
    object: 'fine_tuning.job',
    id: record.run_id,
    status,
    method: record.command,
    model: textOf(config.model),
    fine_tuned_model:
      status === 'succeeded' ? (textOf(record.results.fine_tuned_model) ?? `${dir}/model`) : null,
    suffix: textOf(config.run_name),
    created_at: secondsOf(record.started_at),
    finished_at: record.finished_at === null ? null : secondsOf(record.finished_at),
    error: localJobError(record, options.isAlive),
    training_file: rowsOf(config.dataset),
    validation_file: rowsOf((config.eval as Row | null)?.dataset) ?? rowsOf(config.eval_dataset),
    purpose: 'fine-tune',
    hyperparameters: hyperparametersOf(config),
    seed: numberOf(config.seed),
    trained_steps: last?.step ?? 0,
    trained_tokens: numberOf(last?.num_tokens),
    metrics: jobMetrics(run),
    events: newest(eventsOf(run, status), options.limit),
  };
}

/** The last events, newest first. */
export const newest = (events: readonly JobEvent[], limit: number): JobEvent[] =>
  events.slice(-limit || Number.POSITIVE_INFINITY).reverse();

/** A run whose process is gone without a word has failed. */
function localJobState({ status }: RunRecord, isAlive: boolean): JobState {
  if (status === 'done') return 'succeeded';
  if (status === 'interrupted') return 'paused';
  return status === 'running' && isAlive ? 'running' : 'failed';
}

/** Why a run on this machine is not done; null where it is, or is running. */
function localJobError({ status, error }: RunRecord, isAlive: boolean): JobStatus['error'] {
  if (status !== 'running') return error == null ? null : { message: error };
  return isAlive ? null : { message: 'its process ended without writing a reason' };
}

function hyperparametersOf(config: Row): JobStatus['hyperparameters'] {
  return {
    n_epochs: config.max_steps == null ? numberOf(config.num_train_epochs) : null,
    max_steps: numberOf(config.max_steps),
    batch_size: numberOf(config.batch_size) ?? batchSizeOf(config),
    learning_rate: numberOf(config.learning_rate),
    ...(config.beta !== undefined && { kl_coef: numberOf(config.beta) }),
  };
}

/** In rows, as services count, not in the completions of each. */
function batchSizeOf(config: Row): number | null {
  const micro = numberOf(config.per_device_train_batch_size);
  const steps = numberOf(config.gradient_accumulation_steps);
  const group = numberOf(config.num_generations) ?? 1;
  return micro === null || steps === null ? null : (micro * steps) / group;
}

function jobMetrics({ record, metrics }: Pick<JobRun, 'record' | 'metrics'>): JobMetrics {
  const tenth = Math.max(1, Math.round(metrics.length / 10));
  const last = meanOf(metrics.slice(-tenth), 'reward');
  const first = meanOf(metrics.slice(0, tenth), 'reward');
  return {
    train_reward_mean: last,
    train_reward_mean_first: first,
    train_reward_rise: last === null || first === null ? null : last - first,
    valid_reward_mean: numberOf(record.results.mean_reward) ?? lastOf(metrics, 'eval/reward'),
    train_loss: lastOf(metrics, 'loss'),
    valid_loss: lastOf(metrics, 'eval/loss'),
  };
}

const meanOf = (rows: readonly MetricRow[], name: string): number | null =>
  mean(rows.flatMap((row) => numberOf(row[name]) ?? []));

const lastOf = (rows: readonly MetricRow[], name: string): number | null =>
  numberOf(rows.findLast((row) => typeof row[name] === 'number')?.[name]);

/** Oldest first. */
function eventsOf({ record, metrics }: JobRun, status: JobState): JobEvent[] {
  const start = secondsOf(record.started_at);
  const event = (parts: Partial<JobEvent> & Pick<JobEvent, 'message'>): JobEvent => ({
    object: 'fine_tuning.job.event',
    created_at: start,
    level: 'info',
    type: 'message',
    data: {},
    ...parts,
  });
  const alarms = (record.alarms ?? []).map((alarm) => ({ ...alarm, step: Number(alarm.step) }));
  const steps = metrics.flatMap((row) => {
    const created = { created_at: Math.floor(numberOf(row.wall_time) ?? start) };
    const sounded = alarms.filter(({ step }) => step === row.step);
    return [
      event({ ...created, type: 'metrics', ...stepEvent(row) }),
      ...sounded.map((alarm) => event({ ...created, level: 'warn', message: alarmText(alarm) })),
    ];
  });
  const finished = record.finished_at === null ? null : secondsOf(record.finished_at);
  const reason = localJobError(record, false);
  const end = event({
    created_at: finished ?? start,
    level: status === 'failed' ? 'error' : 'info',
    message: `Job ${status}${reason === null ? '' : `: ${reason.message}`}`,
  });
  return [event({ message: 'Job started' }), ...steps, ...(status === 'running' ? [] : [end])];
}

function stepEvent(row: MetricRow): Pick<JobEvent, 'message' | 'data'> {
  const known = Object.entries(SERVICE_METRICS).flatMap(([own, { said }]) => {
    const value = numberOf(row[own]);
    return value === null ? [] : [[said, value] as const];
  });
  const text = known.map(([name, value]) => `${name}=${formatCell(value)}`).join(', ');
  return { message: `Step ${row.step}: ${text}`, data: Object.fromEntries(known) };
}

const alarmText = (alarm: Row): string =>
  Object.entries(alarm)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

const secondsOf = (iso: string): number => Math.floor(Date.parse(iso) / 1000);
const rowsOf = (dataset: unknown): string | null =>
  textOf((dataset as Row | null)?.path) ?? textOf((dataset as Row | null)?.name);
