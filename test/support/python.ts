/** Whether this machine runs Python, and what is said of the tests that are skipped where it does not. */
import { findInterpreter, sandboxSupport } from '../../src/sandbox/index.js';
import { messageOf } from '../../src/util/errors.js';

/** Why there is none; null: there is. */
export const noPython: string | null = await findInterpreter().then(() => null, messageOf);

const support = await sandboxSupport();

/** Why there is none in a sandbox. */
export const noSandbox = noPython ?? (support.available ? null : support.problem);

/** Behind the name of a test. */
export const skippedFor = (missing: string | null): string =>
  missing === null ? '' : ` (skipped: ${missing})`;
