/** The end of the process. */
import { isatty } from 'node:tty';

const terminals = [0, 1, 2].filter(isatty);

/**
 * Node gives a terminal its settings back when it exits, and crashes where that is gone. Then the process ends as the
 * system would have it: by SIGHUP, which shells tell as 129.
 */
export function end(code: number): never {
  if (terminals.some((fd) => !isatty(fd))) {
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
  }
  process.exit(code);
}
