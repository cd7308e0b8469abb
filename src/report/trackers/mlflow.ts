/**
 * MLflow: a run in the experiment MLFLOW_EXPERIMENT_NAME (default `Default`), its config as parameters,
 * its numbers as metrics, its sample tables as the artifacts that MLflow's evaluation page shows.
 */
import { chunks } from '../../util/group.js';
import { flatConfig } from '../run/config-differences.js';
import type { RunStatus } from '../run/run-record.js';
import { type MlflowClient, MlflowError, mlflowClient } from './mlflow-client.js';
import { type Env, numbersOf, type SampleTable, type TrackedRun, type Tracker } from './tracker.js';

/** Limits of one `runs/log-batch` call, and of a parameter's value. */
const BATCH = { metrics: 1000, params: 100, value: 6000 } as const;

const STATUSES = {
  done: 'FINISHED',
  failed: 'FAILED',
  interrupted: 'KILLED',
} as const satisfies Record<Exclude<RunStatus, 'running'>, string>;

/** @throws SetupError when no server is named or it does not answer. */
export async function checkMlflow(env: Env): Promise<void> {
  await experimentId(mlflowClient(env), env);
}

export interface MlflowOptions {
  readonly run: TrackedRun;
  readonly env: Env;
}

/** @throws SetupError when the server does not answer, MlflowError when it refuses. */
export async function openMlflow({ run, env }: MlflowOptions): Promise<Tracker> {
  const client = mlflowClient(env);
  const experiment = await experimentId(client, env);
  const { info, artifacts, tables } = await startRun(client, { experiment, run });
  return {
    name: 'mlflow',
    place: `${client.server}/#/experiments/${experiment}/runs/${info}`,
    async log(rows) {
      const timestamp = Date.now();
      const metrics = rows.flatMap((row) =>
        numbersOf(row).map(([key, value]) => ({
          key,
          value: finite(value),
          timestamp,
          step: row.step,
        })),
      );
      for (const part of chunks(metrics, BATCH.metrics)) {
        await client.post('runs/log-batch', { run_id: info, metrics: part });
      }
    },
    async table(table) {
      const path = `${table.name}.json`;
      await client.upload(`${artifacts}/${path}`, splitJson(table));
      tables.push({ path, type: 'table' });
      const tag = { key: TABLES_TAG, value: tablesTag(tables) };
      await client.post('runs/set-tag', { run_id: info, ...tag });
    },
    async finish(status) {
      const update = { run_id: info, status: STATUSES[status], end_time: Date.now() };
      await client.post('runs/update', update);
    },
  };
}

/** The experiment's id; it is made when it is not there. */
async function experimentId(client: MlflowClient, env: Env): Promise<string> {
  const name = env.MLFLOW_EXPERIMENT_NAME || 'Default';
  try {
    const found = await client.get('experiments/get-by-name', { experiment_name: name });
    return (found as { experiment: { experiment_id: string } }).experiment.experiment_id;
  } catch (error) {
    if (!(error instanceof MlflowError) || error.code !== 'RESOURCE_DOES_NOT_EXIST') throw error;
    const made = await client.post('experiments/create', { name });
    return (made as { experiment_id: string }).experiment_id;
  }
}

interface NewRun {
  readonly experiment: string;
  readonly run: TrackedRun;
}

interface OpenedRun {
  readonly info: string;
  /** Path of the run's artifacts below the server's artifact root. */
  readonly artifacts: string;
  /** What its tag of logged artifacts lists. */
  readonly tables: { readonly path: string; readonly type: string }[];
}

const TABLES_TAG = 'mlflow.loggedArtifacts';

interface RunsAnswer {
  readonly info: { readonly run_id: string; readonly artifact_uri: string };
  readonly data?: { readonly tags?: readonly { readonly key: string; readonly value: string }[] };
}

async function startRun(client: MlflowClient, { experiment, run }: NewRun): Promise<OpenedRun> {
  const earlier = run.startStep === null ? null : await findRun(client, experiment, run.runId);
  if (earlier !== null) {
    await client.post('runs/update', { run_id: earlier.info, status: 'RUNNING' });
    return earlier;
  }
  const tags = [
    { key: 'lorikeet.run_id', value: run.runId },
    { key: 'lorikeet.dir', value: run.dir },
  ];
  const made = await client.post('runs/create', {
    experiment_id: experiment,
    run_name: run.name,
    start_time: Date.now(),
    tags,
  });
  const opened = openedOf((made as { run: RunsAnswer }).run);
  const params = [...flatConfig(run.config)].map(([key, value]) => ({
    key,
    value: paramText(value),
  }));
  for (const part of chunks(params, BATCH.params)) {
    await client.post('runs/log-batch', { run_id: opened.info, params: part });
  }
  return opened;
}

/** The run that an earlier process of the same run folder has made. */
async function findRun(
  client: MlflowClient,
  experiment: string,
  runId: string,
): Promise<OpenedRun | null> {
  const found = await client.post('runs/search', {
    experiment_ids: [experiment],
    filter: `tags.\`lorikeet.run_id\` = '${runId}'`,
    max_results: 1,
  });
  const [run] = (found as { runs?: readonly RunsAnswer[] }).runs ?? [];
  return run === undefined ? null : openedOf(run);
}

function openedOf({ info, data }: RunsAnswer): OpenedRun {
  const artifacts = info.artifact_uri.replace(/^mlflow-artifacts:\/*/, '');
  const tables = data?.tags?.find(({ key }) => key === TABLES_TAG)?.value ?? '[]';
  return { info: info.run_id, artifacts, tables: JSON.parse(tables) };
}

/** JSON as Python spaces it: MLflow's client looks for a table by this very text. */
const tablesTag = (tables: OpenedRun['tables']): string =>
  `[${tables.map(({ path, type }) => `{"path": ${JSON.stringify(path)}, "type": "${type}"}`).join(', ')}]`;

function paramText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.slice(0, BATCH.value);
}

/** MLflow's JSON has the three words where JavaScript's has null. */
const finite = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** A table in pandas' `split` form, as `mlflow.log_table` writes it. */
const splitJson = ({ header, rows }: SampleTable): string =>
  JSON.stringify({ columns: header, data: rows.map((row) => row.map((cell) => cell ?? null)) });
