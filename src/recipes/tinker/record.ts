/** `tinker.json` of a run folder: the model at the service and the states to go on from. Never holds a key. */
import { existsSync } from 'node:fs';
import type { RunFolder } from '../../report/index.js';
import type { EvaluatedStep } from '../../train/index.js';
import { checkedRows, type Fields, readRecord } from '../../util/own-files.js';
import { type RecordKeeper, recordKeeper } from '../outputs/record-keeper.js';

export interface TinkerState {
  readonly step: number;
  /** Tokens computed so far. */
  readonly tokens: number;
  /** `tinker://…`, weights and optimizer. */
  readonly path: string;
  /** The watched metric at each evaluation so far. */
  readonly evaluations: readonly EvaluatedStep[];
  /** Its name. */
  readonly metric_for_best_model: string;
}

interface TinkerRecord {
  readonly service: 'tinker';
  readonly base_url: string;
  readonly session_id: string | null;
  readonly model_id: string | null;
  /** Oldest first. */
  readonly states: readonly TinkerState[];
  /** `tinker://…`, the trained weights for sampling; null before the end. */
  readonly sampler_path: string | null;
}

export type TinkerKeeper = RecordKeeper<TinkerRecord>;

export function openTinkerRecord(run: RunFolder, baseUrl: string): TinkerKeeper {
  const path = run.claim('tinker.json');
  const empty = { session_id: null, model_id: null, states: [], sampler_path: null };
  const record: TinkerRecord = existsSync(path)
    ? readTinkerRecord(path)
    : { service: 'tinker', base_url: baseUrl, ...empty };
  return recordKeeper(path, record);
}

function readTinkerRecord(path: string): TinkerRecord {
  const record = readRecord<TinkerRecord>(path, {
    fields: {
      service: 'string',
      base_url: 'string',
      states: 'list',
      sampler_path: 'string or null',
      session_id: 'string or null',
      model_id: 'string or null',
    },
    remedy: 'Put the file back as it was, or start anew with overwrite=true',
  });
  const fields: Fields<TinkerState> = {
    step: 'number',
    tokens: 'number',
    path: 'string',
    evaluations: 'list',
    metric_for_best_model: 'string',
  };
  return { ...record, states: checkedRows<TinkerState>(`${path}: states`, record.states, fields) };
}
