/** The body of `POST /fine_tuning/jobs`. */
import type { JsonRow } from '../../util/files.js';
import { type FineTuningMethod, METHODS } from './rows.js';

export interface JobOptions {
  readonly method: FineTuningMethod;
  readonly model: string;
  readonly suffix: string | null;
  readonly seed: number | null;
  /** By the service's names; null is left to the service. */
  readonly hyperparameters: Readonly<Record<string, number | string | null>>;
  /** Of reinforcement. */
  readonly grader: JsonRow | null;
  readonly responseFormat: JsonRow | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface JobRequest {
  readonly model: string;
  readonly training_file: string;
  readonly validation_file?: string;
  readonly method: JsonRow;
  readonly suffix?: string;
  readonly seed?: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface JobFiles {
  readonly training: string;
  readonly validation: string | null;
}

/** Without files it is what `--dry-run` shows. */
export function jobRequest(options: JobOptions, files: JobFiles): JobRequest {
  const { model, suffix, seed, metadata } = options;
  return {
    model,
    training_file: files.training,
    ...(files.validation !== null && { validation_file: files.validation }),
    method: methodOf(options),
    ...(suffix !== null && { suffix }),
    ...(seed !== null && { seed }),
    metadata,
  };
}

function methodOf({ method, hyperparameters, grader, responseFormat }: JobOptions): JsonRow {
  const type = METHODS[method];
  const given = Object.fromEntries(
    Object.entries(hyperparameters).filter(([, value]) => value !== null),
  );
  const settings = {
    ...(grader !== null && { grader }),
    ...(responseFormat !== null && { response_format: responseFormat }),
    ...(Object.keys(given).length > 0 && { hyperparameters: given }),
  };
  return { type, [type]: settings };
}
