/** `remote.json` of a run folder, written whole at every change. */
import { join } from 'node:path';
import type { JobPlace } from '../../remote/index.js';
import {
  EVENTS_FILE,
  REMOTE_FILE,
  type RemoteRecord,
  type RunFolder,
  readRemoteRecord,
  runPaths,
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

export const jobPlace = ({ dir }: { readonly dir: string }): JobPlace => ({
  dir,
  events: join(dir, EVENTS_FILE),
  metrics: runPaths(dir).metrics,
});
