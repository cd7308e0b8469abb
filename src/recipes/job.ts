/** `lorikeet job`: status and events of a training run, here or at a service. */
import { join } from 'node:path';
import type { JobConfig } from '../config/index.js';
import { openService, refreshJob } from '../remote/index.js';
import {
  isLocked,
  type JobStatus,
  jobStatus,
  REMOTE_FILE,
  readProgress,
  readRemoteRecord,
  remoteJobStatus,
} from '../report/index.js';
import { closing } from '../util/close-stack.js';
import { InputError } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { recordKeeper } from './outputs/record-keeper.js';
import { holdOutput } from './outputs/rows-output.js';

export type { JobStatus };

/** @throws InputError when the folder holds no run, or the output is there; EndpointError of the service */
export function runJob(config: JobConfig, context: RecipeContext): Promise<JobStatus> {
  return closing(async (stack) => {
    stack.defer(holdOutput(config));
    return await askedStatus(config, context);
  });
}

async function askedStatus(config: JobConfig, context: RecipeContext): Promise<JobStatus> {
  if (config.refresh || config.cancel) await askService(config, context);
  const run = readProgress(config.run);
  const remote = readRemoteRecord(config.run);
  const options = { limit: config.limit, isAlive: isLocked(config.run) };
  const status = remote === null ? jobStatus(run, options) : remoteJobStatus(run, remote, options);
  if (config.output !== null) {
    writeJson(config.output, status);
    context.log(`job status in ${config.output}`);
  }
  return status;
}

/** A process that watches the job keeps its files by itself; then nothing is written here. */
async function askService({ run: dir, cancel }: JobConfig, context: RecipeContext): Promise<void> {
  const remote = readRemoteRecord(dir);
  if (remote === null || remote.job === null) {
    throw new InputError({
      where: dir,
      problem: remote === null ? 'trains on this machine' : 'has no job at the service yet',
      remedy: 'Leave refresh and cancel out; Ctrl-C stops a run here',
    });
  }
  const { id } = remote.job;
  const service = openService(remote, context.signal);
  if (cancel) context.log(`job ${id}: ${(await service.cancel(id)).status}`);
  if (isLocked(dir)) {
    context.log(`job ${id}: another process is watching it and keeps its files`);
    return;
  }
  const keeper = recordKeeper(join(dir, REMOTE_FILE), remote);
  keeper.set({ job: await refreshJob(service, { id, dir }) });
}
