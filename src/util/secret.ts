/** Keys and tokens that go into a header of a request. */
import { SetupError } from './errors.js';

/**
 * One with other signs fits into no header, and the error of that would show it.
 * @param where Variable or file that it is from, for messages.
 * @throws SetupError, which does not name the value
 */
export function checkedSecret(value: string, where: string): string {
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new SetupError({
    where,
    problem: 'it holds a space, a line break or a sign beyond ASCII, as no key does',
    remedy: 'Set it to the key alone',
  });
}
