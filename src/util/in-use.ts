/** What to do where an output is there already or being written, and where a stopped call has left a part of one. */
import { InputError } from './errors.js';
import type { LockHolder } from './lock.js';

/** @param another keys that name another place for it */
export const inUseRemedy = (another: string, { mayResume = false } = {}): string =>
  `Give overwrite=true to replace it,${mayResume ? ' resume=auto to go on,' : ''} or another ${another}`;

interface Held {
  readonly where: string;
  /** Null: its name is not yet written. */
  readonly holder: LockHolder | null;
  readonly writes: string;
  /** The key that names another place for it. */
  readonly another: string;
}

/** What is thrown where another process holds the lock. */
export function heldError(lock: string, { where, holder, writes, another }: Held): InputError {
  const who = holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  return new InputError({
    where,
    problem: `${who} is writing ${writes}`,
    remedy: `Wait for it, choose another ${another}, or delete ${lock} if that process is gone`,
  });
}

export const GO_ON = 'Go on with resume=auto, or start anew with overwrite=true';

/** What a call is given to go on with the run of a folder. */
export const resumeKeys = (dir: string): string => `resume=auto output_dir=${dir}`;
