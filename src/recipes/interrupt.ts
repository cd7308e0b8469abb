/** The error of a run that a signal has stopped: which signal, what is kept, and how to go on. */
import { type ErrorParts, InterruptError } from '../util/errors.js';

export function interruption(signal: AbortSignal, parts: ErrorParts): InterruptError {
  return new InterruptError(signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT', parts);
}
