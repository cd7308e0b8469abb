/**
 * All trackers of a run behind one door that never holds training up: rows wait in memory while one before
 * them is on its way, and a tracker that fails is left alone, which is said once and at the end.
 */
import { counted } from '../../util/counted.js';
import { messageOf } from '../../util/errors.js';
import type { TrackerName } from '../../util/tracker-names.js';
import type { MetricRow } from '../rows/metric-row.js';
import type { RunStatus } from '../run/run-record.js';
import { checkMlflow, openMlflow } from './mlflow.js';
import { openTensorboard } from './tensorboard.js';
import type { Env, SampleTable, TrackedRun, Tracker } from './tracker.js';
import { checkWandb, openWandb } from './wandb.js';

export interface TrackerChoice {
  readonly names: readonly TrackerName[];
  readonly env: Env;
}

export interface TrackerOptions extends TrackerChoice {
  readonly run: TrackedRun;
  /** Folder of TensorBoard's event files. */
  readonly eventDir: string;
  readonly wandbProject: string | null;
  /** One line for people. */
  readonly log: (line: string) => void;
}

export interface Trackers {
  log(row: MetricRow): void;
  table(table: SampleTable): void;
  /** Waits for what is on its way. Further calls do nothing. */
  finish(status: Exclude<RunStatus, 'running'>): Promise<void>;
}

/**
 * Holds the trackers to what they need, before anything is written.
 * @throws SetupError naming what is missing: a package, a server
 */
export async function checkTrackers({ names, env }: TrackerChoice): Promise<void> {
  if (names.includes('wandb')) await checkWandb(env);
  if (names.includes('mlflow')) await checkMlflow(env);
}

/** @throws SetupError or RunError when a tracker refuses the run; those before it are told that it failed. */
export async function openTrackers(options: TrackerOptions): Promise<Trackers> {
  const { names, run, env, eventDir, wandbProject, log } = options;
  const open = {
    tensorboard: async () => openTensorboard({ dir: eventDir, run }),
    wandb: () => openWandb({ run, project: wandbProject, env }),
    mlflow: () => openMlflow({ run, env }),
  } as const satisfies Record<TrackerName, () => Promise<Tracker>>;
  const queues: Queue[] = [];
  const finish: Trackers['finish'] = async (status) => {
    await Promise.all(queues.splice(0).map((queue) => queue.finish(status)));
  };
  try {
    for (const name of new Set(names)) {
      const tracker = await open[name]();
      if (tracker.place !== null && name !== 'tensorboard') log(`${name}: ${tracker.place}`);
      queues.push(new Queue(tracker, log));
    }
  } catch (error) {
    await finish('failed');
    throw error;
  }
  return {
    log: (row) => queues.forEach((queue) => void queue.add(row)),
    table: (table) => queues.forEach((queue) => void queue.addTable(table)),
    finish,
  };
}

/** The rows and tables for one tracker, sent in their order; rows that pile up go together. */
class Queue {
  private rows: MetricRow[] = [];
  private tail: Promise<void> = Promise.resolve();
  private lost = 0;
  private hasFailed = false;
  private readonly tracker: Tracker;
  private readonly say: (line: string) => void;

  constructor(tracker: Tracker, say: (line: string) => void) {
    this.tracker = tracker;
    this.say = say;
  }

  add(row: MetricRow): void {
    this.rows.push(row);
    if (this.rows.length > 1) return; // goes with the ones that wait
    const batch = this.rows;
    this.enqueue(() => this.send(batch));
  }

  addTable(table: SampleTable): void {
    this.rows = []; // later rows go after the table
    this.enqueue(async () => {
      if (!this.hasFailed) await this.tracker.table(table);
    });
  }

  /** Also of a tracker that has failed, so that it lets go of what it holds. */
  async finish(status: Exclude<RunStatus, 'running'>): Promise<void> {
    await this.tail;
    try {
      await this.tracker.finish(status);
    } catch (error) {
      if (!this.hasFailed) this.say(`${this.tracker.name}: ${messageOf(error)}`);
    }
    if (this.lost > 0) {
      this.say(
        `${this.tracker.name}: ${counted(this.lost, 'row')} not sent; metrics.jsonl has all`,
      );
    }
  }

  private enqueue(work: () => Promise<void>): void {
    this.tail = this.tail.then(async () => {
      try {
        await work();
      } catch (error) {
        this.hasFailed = true;
        this.say(`${this.tracker.name}: no more is sent there (${messageOf(error)})`);
      }
    });
  }

  private async send(batch: readonly MetricRow[]): Promise<void> {
    if (this.rows === batch) this.rows = [];
    this.lost += batch.length;
    if (this.hasFailed) return;
    await this.tracker.log(batch);
    this.lost -= batch.length;
  }
}
