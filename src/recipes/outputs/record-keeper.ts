/** A record that a run folder keeps, written whole at every change. */
import { writeJson } from '../../util/files.js';

export interface RecordKeeper<T> {
  get(): T;
  set(patch: Partial<T>): void;
}

export function recordKeeper<T extends object>(path: string, record: T): RecordKeeper<T> {
  let now = record;
  return {
    get: () => now,
    set(patch) {
      now = { ...now, ...patch };
      writeJson(path, now);
    },
  };
}
