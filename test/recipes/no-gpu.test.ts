/** `device=cuda` where no card is visible: refused at once, before TensorFlow is loaded. */
import { expect, it } from 'vitest';
import { call } from './command-line.js';

/** 2 seconds with a processor to itself, which a test does not have. */
const LIMIT_MS = 5000;

async function timed(argv: readonly string[]) {
  const start = performance.now();
  const outcome = await call(argv, { CUDA_VISIBLE_DEVICES: '-1' });
  return { ...outcome, milliseconds: performance.now() - start };
}

it.each([
  ['setup', 'device=cuda'],
  ['sft', 'model=/nowhere', 'dataset.path=/nowhere.jsonl', 'device=cuda'],
  ['dpo', 'model=/nowhere', 'dataset.path=/nowhere.jsonl', 'device=cuda:1'],
])('%s is refused at once, with the remedy', async (...argv) => {
  const runs = [await timed(argv), await timed(argv), await timed(argv)];
  for (const { code, out, err } of runs) {
    expect(err.join('\n')).toContain(
      'no NVIDIA GPU is visible to this process (CUDA_VISIBLE_DEVICES="-1")',
    );
    expect(err.join('\n')).toContain('use device=cpu');
    expect([code, out]).toEqual([2, '']);
  }
  // The fastest of three: other programs may have had the processor in the others.
  expect(Math.min(...runs.map(({ milliseconds }) => milliseconds))).toBeLessThan(LIMIT_MS);
});
