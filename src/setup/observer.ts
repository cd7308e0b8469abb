/** What set-up tells its caller while it works, and what each of its steps gets from it. */
import type { Env } from '../util/programs.js';

/** Drawing it is the caller's part. */
export interface SetupObserver {
  /** One line for people, e.g. why something is done. */
  readonly log: (line: string) => void;
  /** The current step and how far it is; `total` 0 while it is not known. Bytes. */
  readonly progress: (step: string, done: number, total: number) => void;
  /** The current step is over. */
  readonly stepDone: () => void;
}

export interface StepContext {
  readonly env: Env;
  readonly observer: SetupObserver;
  readonly signal: AbortSignal | undefined;
}
