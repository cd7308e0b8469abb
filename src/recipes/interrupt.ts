/** What a signal stops and what it does not; the error of a run that it has stopped. */
import { type ErrorParts, InterruptError } from '../util/errors.js';
import { stopSignalOf } from '../util/stop-signals.js';
import type { RecipeContext } from './context.js';

/** Which signal, what is kept, and how to go on. */
export function interruption(signal: AbortSignal, parts: ErrorParts): InterruptError {
  return new InterruptError(stopSignalOf(signal), parts);
}

/** How a run that did not get done has ended. */
export const unfinished = (signal: AbortSignal): 'interrupted' | 'failed' =>
  signal.aborted ? 'interrupted' : 'failed';

/** For work inside a step: an interrupt waits for the step's end. */
export const unbroken = (context: RecipeContext): RecipeContext => ({
  ...context,
  signal: new AbortController().signal,
});
