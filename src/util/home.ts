/** The user's home folder. */
import { homedir, userInfo } from 'node:os';
import { InputError } from './errors.js';

/**
 * An empty `HOME` is none: the system's own record of the user holds.
 * @throws InputError where there is neither
 */
export function homeFolder(): string {
  try {
    return homedir() || userInfo().homedir;
  } catch (error) {
    const problem = 'is not set, and the system knows no home folder of this user';
    throw new InputError({ where: 'HOME', problem, remedy: 'Set it' }, { cause: error });
  }
}
