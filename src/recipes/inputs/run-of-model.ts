/** The run that a model came of. */
import { basename, dirname, resolve } from 'node:path';
import { RUN_NAMES, readRunRecord } from '../../report/index.js';

/**
 * Its record; null where no run made it.
 * @param model The run folder, or its `model/`
 * @throws InputError where the record is broken
 */
export function runOfModel(model: string): ReturnType<typeof readRunRecord> {
  const folder = resolve(model);
  return readRunRecord(basename(folder) === RUN_NAMES.model ? dirname(folder) : folder);
}
