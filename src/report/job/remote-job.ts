/**
 * A job that a fine-tuning service trains: what the run folder keeps of it (`remote.json`, `events.jsonl`),
 * and its status in the same form as that of a run on this machine.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRow, readJson, wholeRows } from '../../util/files.js';
import { numberOf, textOf } from '../../util/json-object.js';
import { checkedObject, checkedRows, type Fields } from '../../util/own-files.js';
import type { RunRows } from '../run/read-run.js';
import { type JobEvent, type JobStatus, jobStatus, newest } from './job-status.js';

export const REMOTE_FILE = 'remote.json';
export const EVENTS_FILE = 'events.jsonl';

/** A file as the service has it. */
export interface RemoteFile {
  readonly id: string;
  readonly filename: string;
  readonly bytes: number;
  readonly rows: number;
}

/** Where a service is, and how long it is asked. */
export interface RemotePlace {
  readonly base_url: string;
  readonly api_key_env: string;
  readonly timeout_s: number;
  readonly max_attempts: number;
}

/** `remote.json`. Never holds a key. */
export interface RemoteRecord extends RemotePlace {
  readonly service: 'openai';
  /** Written into the job's metadata before it is asked for, so that it is found again and never made twice. */
  readonly marker: string;
  /** The job has been asked for, whether or not an answer came. */
  readonly is_requested: boolean;
  readonly training_file: RemoteFile | null;
  readonly validation_file: RemoteFile | null;
  /** The job as last received; null before it is made. */
  readonly job: RemoteJob | null;
  readonly checkpoints: readonly JsonRow[];
}

/** The service's own object; the fields that are read here. */
export interface RemoteJob extends JsonRow {
  readonly id: string;
  readonly status: string;
  readonly fine_tuned_model: string | null;
  readonly error: { readonly code?: string; readonly message?: string } | null;
}

/** An event as the service sends it. */
export interface RemoteEvent extends JobEvent {
  readonly id: string;
}

const RECORD_FIELDS: Fields<RemoteRecord> = {
  service: 'string',
  base_url: 'string',
  api_key_env: 'string',
  timeout_s: 'number',
  max_attempts: 'number',
  marker: 'string',
  is_requested: 'boolean',
  training_file: 'object or null',
  validation_file: 'object or null',
  job: 'object or null',
  checkpoints: 'list',
};
const JOB_FIELDS: Fields<RemoteJob> = { id: 'string', status: 'string' };
const REMEDY = 'Put the file back as it was; a job begun anew belongs in another output_dir';

/** The record in `dir`, or null when its run trains on this machine. @throws InputError where it is broken */
export function readRemoteRecord(dir: string): RemoteRecord | null {
  const path = join(dir, REMOTE_FILE);
  if (!existsSync(path)) return null;
  const shape = { fields: RECORD_FIELDS, remedy: REMEDY };
  const record = checkedObject<RemoteRecord>(path, readJson(path), shape);
  const { job } = record;
  if (job !== null) checkedObject(`${path}: job`, job, { fields: JOB_FIELDS, remedy: REMEDY });
  return record;
}

/** The events in `dir`, oldest first. A half-written last line is no event. */
export function readRemoteEvents(dir: string): RemoteEvent[] {
  const path = join(dir, EVENTS_FILE);
  if (!existsSync(path)) return [];
  return checkedRows<RemoteEvent>(path, wholeRows(path), { id: 'string', created_at: 'number' });
}

/** @param isAlive whether a process is watching the job */
export function remoteJobStatus(
  run: Pick<RunRows, 'dir' | 'record' | 'metrics'>,
  remote: RemoteRecord,
  options: { readonly limit: number; readonly isAlive: boolean },
): JobStatus {
  const { job } = remote;
  const here = jobStatus(run, options);
  const config = (run.record.config ?? {}) as JsonRow;
  const method = (job?.method ?? {}) as JsonRow;
  const settings = (method[String(method.type)] ?? {}) as JsonRow;
  return {
    ...here,
    id: job?.id ?? here.id,
    status: (job?.status as JobStatus['status']) ?? here.status,
    method: textOf(config.method) ?? here.method,
    fine_tuned_model: job?.fine_tuned_model ?? null,
    suffix: textOf(config.suffix),
    created_at: numberOf(job?.created_at) ?? here.created_at,
    finished_at: numberOf(job?.finished_at),
    error: job === null ? here.error : serviceError(job),
    training_file: remote.training_file?.id ?? textOf(config.training_file),
    validation_file: remote.validation_file?.id ?? textOf(config.validation_file),
    hyperparameters: (settings.hyperparameters ?? {}) as JobStatus['hyperparameters'],
    seed: numberOf(job?.seed) ?? here.seed,
    trained_tokens: numberOf(job?.trained_tokens),
    events: newest(readRemoteEvents(run.dir), options.limit),
  };
}

function serviceError({ error }: RemoteJob): JobStatus['error'] {
  const message = error?.message;
  return message === undefined ? null : { message };
}
