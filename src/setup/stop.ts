/** Turns an aborted signal into the error that ends a stopped set-up. */
import { InterruptError } from '../util/errors.js';

export function stopError(signal: AbortSignal): InterruptError {
  const name = signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
  return new InterruptError(
    name,
    'Set-up was stopped; run it again to go on from what is complete',
  );
}
