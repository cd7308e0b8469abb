/** What every recipe gets from its caller beside the config. */
import type { ReadSource } from '../report/index.js';

export interface RecipeContext {
  /** Aborted when the user asks the run to stop after the current step; `reason` is the signal name. */
  readonly signal: AbortSignal;
  /**
   * Told before work that looks at `signal` and has something to save or to end. Until then a signal ends the
   * process at once, also amid a long computation, which would keep a handler waiting.
   */
  readonly stopsInOrder?: () => void;
  /** One line of progress for people (standard error in the CLI). */
  readonly log: (line: string) => void;
  /** One line of data, where the config names no output file (standard output in the CLI). */
  readonly print: (line: string) => void;
  readonly verbose: boolean;
  /** Told of each model and data set that is read. */
  readonly onSource?: (source: ReadSource) => void;
}
