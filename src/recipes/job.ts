/** `lorikeet job`: status and events of a training run. */
import type { JobConfig } from '../config/index.js';
import { isLocked, type JobStatus, jobStatus, readRun } from '../report/index.js';
import { writeJson } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { checkOutput } from './rows-output.js';

export type { JobStatus };

/** @throws InputError when the folder holds no run, or the output is there */
export function runJob(config: JobConfig, { log }: RecipeContext): JobStatus {
  checkOutput(config);
  const run = readRun(config.run);
  const status = jobStatus(run, { limit: config.limit, isAlive: isLocked(config.run) });
  if (config.output !== null) {
    writeJson(config.output, status);
    log(`job status in ${config.output}`);
  }
  return status;
}
