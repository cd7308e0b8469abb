/** `remote.json` of a run folder, written whole at every change. */
import { join } from 'node:path';
import type { JobPlace } from '../../remote/index.js';
import {
  EVENTS_FILE,
  REMOTE_FILE,
  type RemoteRecord,
  type RunFolder,
  readRemoteRecord,
} from '../../report/index.js';
import { writeJson } from '../../util/files.js';

export interface RecordKeeper {
  get(): RemoteRecord;
  set(patch: Partial<RemoteRecord>): void;
}

/** @param fresh Made where the folder has no record yet; it is written at once. */
export function openRemoteRecord(run: RunFolder, fresh: () => RemoteRecord): RecordKeeper {
  const path = run.claim(REMOTE_FILE);
  run.claim(EVENTS_FILE);
  const keeper = recordKeeper(path, readRemoteRecord(run.dir) ?? fresh());
  keeper.set({});
  return keeper;
}

export function recordKeeper(path: string, record: RemoteRecord): RecordKeeper {
  let now = record;
  return {
    get: () => now,
    set(patch) {
      now = { ...now, ...patch };
      writeJson(path, now);
    },
  };
}

export const jobPlace = ({ dir }: { readonly dir: string }): JobPlace => ({
  dir,
  events: join(dir, EVENTS_FILE),
  metrics: join(dir, 'metrics.jsonl'),
});
