/** Whether this machine can run Python in a sandbox. */
import { findInterpreter, sandboxSupport } from '../../src/sandbox/index.js';

const { available } = await sandboxSupport();
const hasPython = await findInterpreter().then(
  () => true,
  () => false,
);

/** What it lacks for that; null: nothing. */
export const missingForPython = available && hasPython ? null : 'needs bubblewrap and Python';
