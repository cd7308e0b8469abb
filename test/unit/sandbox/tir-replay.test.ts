/** Recorded solutions with code, run again: a tenth of them here, all of them by scripts/tir-replay.ts. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { disagreements, importsOf, recordedBlocks, TIR_FILE } from '../../../scripts/tir-replay.js';
import { createPythonSandbox, sandboxSupport } from '../../../src/sandbox/index.js';
import { findProgram } from '../../../src/util/programs.js';

const data = process.env.LORIKEET_DATA;
const support = await sandboxSupport();
const noSandbox = support.available ? null : support.problem;
const noPython = findProgram('python3') === null ? 'no python3 on PATH' : noSandbox;
const missing = data === undefined ? 'needs LORIKEET_DATA' : noPython;
const title = missing === null ? '' : ` (skipped: ${missing})`;

test.skipIf(missing !== null)(`a sandbox prints what ToRA's executor printed${title}`, async () => {
  const sandbox = await createPythonSandbox({ preload: ['sympy'] });
  try {
    const absent = await sandbox.missing();
    const blocks = recordedBlocks(join(data ?? '', TIR_FILE))
      .filter((_, index) => index % 10 === 0)
      .filter(({ code }) => !importsOf(code).some((name) => absent.includes(name)));
    expect(blocks.length).toBeGreaterThan(90);
    const wrong = await disagreements(sandbox, blocks);
    expect(wrong.length / blocks.length).toBeLessThanOrEqual(0.02);
  } finally {
    sandbox.dispose();
  }
});
