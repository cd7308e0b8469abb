/** `tinker.json` of a run folder: the model at the service and the states to go on from. Never holds a key. */
import { existsSync } from 'node:fs';
import type { RunFolder } from '../../report/index.js';
import type { EvaluatedStep } from '../../train/index.js';
import { readJson } from '../../util/files.js';
import { type RecordKeeper, recordKeeper } from '../outputs/record-keeper.js';

export interface TinkerState {
  readonly step: number;
  /** Tokens computed so far. */
  readonly tokens: number;
  /** `tinker://…`, weights and optimizer. */
  readonly path: string;
  /** The watched metric at each evaluation so far. */
  readonly evaluations?: readonly EvaluatedStep[];
}

export interface TinkerRecord {
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
    ? (readJson(path) as TinkerRecord)
    : { service: 'tinker', base_url: baseUrl, ...empty };
  return recordKeeper(path, record);
}
