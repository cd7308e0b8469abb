/** A bound on the work of one grade that does not depend on the machine: the same input, the same outcome. */

/** A grade that would take longer than its limit. Graders turn it into the status `timeout`. */
export class WorkLimitError extends Error {
  constructor(what: string) {
    super(`${what}: the texts are too long to compare within the limit`);
    this.name = 'WorkLimitError';
  }
}

/** Steps of about a nanosecond that one comparison may take. */
const WORK_LIMIT = 3e8;

/** @throws WorkLimitError when `steps` are more than one comparison may take. */
export function checkWork(what: string, steps: number): void {
  if (steps > WORK_LIMIT) throw new WorkLimitError(what);
}
