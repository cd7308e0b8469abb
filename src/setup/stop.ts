/** Turns an aborted signal into the error that ends a stopped set-up. */
import { InterruptError } from '../util/errors.js';
import { stopSignalOf } from '../util/stop-signals.js';

export function stopError(signal: AbortSignal): InterruptError {
  return new InterruptError(
    stopSignalOf(signal),
    'Set-up was stopped; run it again to go on from what is complete',
  );
}
