/** `remote.json` of a run folder, written whole at every change. */
import { randomUUID } from 'node:crypto';
import {
  EVENTS_FILE,
  REMOTE_FILE,
  type RemotePlace,
  type RemoteRecord,
  type RunFolder,
  readRemoteRecord,
} from '../../report/index.js';
import { type RecordKeeper, recordKeeper } from '../outputs/record-keeper.js';

/** That of the folder, or of a job that nothing has been asked for; with how the service is asked now, and on disk. */
export function openRemoteRecord(
  run: RunFolder,
  { base_url, api_key_env, timeout_s, max_attempts }: RemotePlace,
): RecordKeeper<RemoteRecord> {
  const path = run.claim(REMOTE_FILE);
  run.claim(EVENTS_FILE);
  const place = { base_url, api_key_env, timeout_s, max_attempts };
  const keeper = recordKeeper(path, readRemoteRecord(run.dir) ?? freshRecord(place));
  keeper.set(place);
  return keeper;
}

const freshRecord = (place: RemotePlace): RemoteRecord => ({
  service: 'openai',
  ...place,
  marker: randomUUID(),
  is_requested: false,
  training_file: null,
  validation_file: null,
  job: null,
  checkpoints: [],
});
