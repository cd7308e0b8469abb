/** Host memory that weights take on their way into a session, against their size. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('./weights-memory-child.ts', import.meta.url));

interface Peaks {
  readonly weights: number;
  readonly opened: number;
  readonly reloaded: number;
}

// /proc tells the peak of resident memory and lets it be set back.
it.runIf(process.platform === 'linux')('holds weights once, also while others come', () => {
  const text = execFileSync(process.execPath, ['--import', 'tsx', CHILD], { encoding: 'utf8' });
  const { weights, opened, reloaded } = JSON.parse(text) as Peaks;
  expect(weights).toBeGreaterThan(100);
  expect(opened / weights).toBeLessThan(2);
  expect(reloaded / weights).toBeLessThan(0.6);
});
