/** `remote.json` of a run folder, written whole at every change. */
import {
  EVENTS_FILE,
  REMOTE_FILE,
  type RemoteRecord,
  type RunFolder,
  readRemoteRecord,
} from '../../report/index.js';
import { type RecordKeeper, recordKeeper } from '../outputs/record-keeper.js';

/** @param fresh Made where the folder has no record yet; it is written at once. */
export function openRemoteRecord(
  run: RunFolder,
  fresh: () => RemoteRecord,
): RecordKeeper<RemoteRecord> {
  const path = run.claim(REMOTE_FILE);
  run.claim(EVENTS_FILE);
  const keeper = recordKeeper(path, readRemoteRecord(run.dir) ?? fresh());
  keeper.set({});
  return keeper;
}
