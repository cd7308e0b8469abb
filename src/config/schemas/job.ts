/** `lorikeet job`: how a training run stands, in the words of fine-tuning services. */
import { z } from 'zod';
import { inputPath, off, optionalPath, whole } from './fields.js';
import { overwriteKey } from './groups.js';

export const jobSchema = z.strictObject({
  run: inputPath().describe('Folder of a training run'),
  output: optionalPath('JSON of the status, with the last events; null only prints it'),
  ...overwriteKey,
  limit: whole(0).default(10).describe('Events, the last ones'),
  refresh: off('Ask the service that trains the job first; a run on this machine has none'),
  cancel: off('Have the service end the job, now and for good'),
});

export type JobConfig = z.output<typeof jobSchema>;
