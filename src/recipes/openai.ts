/**
 * `lorikeet openai`: a job of OpenAI's fine-tuning, made once, watched to its end, and gone on with after an
 * interruption. `remote.json` says what has been asked of the service; it is written before each request that
 * makes something there.
 */
import { type OpenaiConfig, runDir } from '../config/index.js';
import { openService, watchJob } from '../remote/index.js';
import {
  checkRun,
  endRun,
  openRun,
  type RemoteRecord,
  type RunFolder,
  readProgress,
  remoteJobStatus,
} from '../report/index.js';
import { RunError } from '../util/errors.js';
import { resumeKeys } from '../util/in-use.js';
import type { RecipeContext } from './context.js';
import { interruption } from './interrupt.js';
import { absentInput, checkSame, type JobInputs, jobInputs, uploadLine } from './openai/inputs.js';
import { type MakeOptions, makeJob } from './openai/make-job.js';
import { openRemoteRecord } from './openai/record.js';
import { inRun } from './outputs/in-run.js';
import { runOf } from './outputs/run-of.js';

export interface OpenaiResult {
  readonly run_dir: string;
  readonly job_id: string;
  readonly status: string;
  readonly fine_tuned_model: string | null;
  readonly trained_tokens: number | null;
  readonly steps: number;
  readonly checkpoints: number;
  readonly metrics: Readonly<Record<string, number | null>>;
}

/** Lines of `--dry-run`: what would be sent. */
export async function planOpenai(config: OpenaiConfig): Promise<string[]> {
  const { training_file, validation_file, base_url, api_key_env } = config;
  const absent = absentInput(config);
  const files =
    absent === null ? filesLines(config, await jobInputs(config)) : [`${absent} is not there yet`];
  return [
    ...files,
    `sends ${[training_file, validation_file].filter(Boolean).join(' and ')} to ${base_url} with the key in ${api_key_env}`,
    `makes one ${config.method} job of ${config.model} and watches it every ${config.poll_interval_s} s`,
    `writes ${runDir(config)}`,
  ];
}

function filesLines(config: OpenaiConfig, { training, validation }: JobInputs): string[] {
  const path = config.validation_file;
  return [
    uploadLine(config.training_file, training),
    ...(validation === null || path === null ? [] : [uploadLine(path, validation)]),
  ];
}

/**
 * @throws InputError on rows, grader or folder; SetupError without a key; RunError when the job failed or was
 * cancelled; InterruptError on the signal, while the job goes on
 */
export async function runOpenai(
  config: OpenaiConfig,
  context: RecipeContext,
): Promise<OpenaiResult> {
  const { dir, options } = runOf('openai', config);
  checkRun(dir, options);
  const inputs = await jobInputs(config);
  const service = openService(config, context.signal);
  context.stopsInOrder?.();
  const run = openRun(dir, options);
  return await inRun(run, context, async () => {
    const keeper = openRemoteRecord(run, config);
    return await watchedJob(run, { config, context, inputs, service, keeper });
  });
}

async function watchedJob(run: RunFolder, job: MakeOptions): Promise<OpenaiResult> {
  const { config, inputs, service, keeper, context } = job;
  const { signal, log } = context;
  try {
    checkSame(keeper.get().training_file, inputs.training, config.training_file);
    for (const line of filesLines(config, inputs)) log(line);
    logChanges(run, keeper.get(), context);
    const { id } = await makeJob(job);
    const ended = await watchJob(service, {
      id,
      dir: run.dir,
      signal,
      log,
      pollMs: 1000 * config.poll_interval_s,
      patienceMs: 1000 * config.patience_s,
      onJob: (each) => keeper.set({ job: each }),
    });
    if (ended.status === 'succeeded') keeper.set({ checkpoints: await service.checkpoints(id) });
    const result = resultOf(run, keeper.get());
    run.record({ results: factsOf(result) });
    if (ended.status !== 'succeeded') throw unsuccessful(keeper.get(), run.dir);
    endRun(run, { status: 'done', log });
    log(`done: ${result.fine_tuned_model}`);
    return result;
  } catch (error) {
    throw signal.aborted ? stopped(signal, keeper.get(), run.dir) : error;
  }
}

/** Keys that say how a job is watched and kept, not what it is. */
const OF_WATCHING = new Set([
  ...['resume', 'overwrite', 'output_dir', 'run_name', 'training_file', 'validation_file'],
  ...['base_url', 'api_key_env', 'poll_interval_s', 'patience_s', 'timeout_s', 'max_attempts'],
]);

/** A job that is made keeps its settings, whatever the config says now. */
function logChanges(run: RunFolder, { job }: RemoteRecord, { log }: RecipeContext): void {
  if (job === null) return;
  for (const { key } of run.configChanges.filter(({ key }) => !OF_WATCHING.has(key))) {
    log(`config: ${key} has changed; job ${job.id} keeps what it was made with`);
  }
}

function resultOf(run: RunFolder, remote: RemoteRecord): OpenaiResult {
  const status = remoteJobStatus(readProgress(run.dir), remote, { limit: 1, isAlive: true });
  return {
    run_dir: run.dir,
    job_id: status.id,
    status: status.status,
    fine_tuned_model: status.fine_tuned_model,
    trained_tokens: status.trained_tokens,
    steps: status.trained_steps,
    checkpoints: remote.checkpoints.length,
    metrics: { ...status.metrics },
  };
}

const factsOf = ({ metrics, run_dir: _dir, ...facts }: OpenaiResult) => ({ ...facts, ...metrics });

function unsuccessful({ job }: RemoteRecord, dir: string): RunError {
  const said = job?.error?.message ? `: ${job.error.message}` : '';
  const code = job?.error?.code ? ` (${job.error.code})` : '';
  return new RunError({
    where: dir,
    problem: `job ${job?.id} ended as ${job?.status}${code}${said}`,
    remedy: 'Its events are kept. Give overwrite=true (or delete the folder) to make a new job',
  });
}

function stopped(signal: AbortSignal, { job, is_requested }: RemoteRecord, dir: string): Error {
  const again = `the same command with ${resumeKeys(dir)}`;
  if (job === null) {
    return interruption(signal, {
      problem: is_requested
        ? 'interrupted while the job was being made'
        : 'interrupted, no job made',
      remedy: `${again} ${is_requested ? 'looks for the job first' : 'goes on'}`,
    });
  }
  return interruption(signal, {
    problem: `stopped watching; job ${job.id} goes on at the service`,
    remedy: `Watch it again by ${again}, end it by: lorikeet job ${dir} cancel=true`,
  });
}
