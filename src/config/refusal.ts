/** A key or value that cannot be read and is left out. */
import type { InputError } from '../util/errors.js';

export interface Refusal {
  readonly error: InputError;
  /** Text with the key, and with those that may have been meant. */
  readonly about: string;
}
