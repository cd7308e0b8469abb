/** A store and states for tests of checkpoints; the files of a state have about 400 KB each. */
import type { CheckpointState, CheckpointStore } from '../../../src/train/index.js';

const SIZE = 100_000;

export const largeStore = (dir: string): CheckpointStore => ({
  dir,
  shapes: [{ name: 'a', shape: [SIZE] }],
  fingerprint: { parameters: 'f', base: 'b', adapter: null },
  limit: 1,
});

export const largeState = (step: number): CheckpointState => ({
  step,
  tokens: step,
  parameters: new Map([['a', new Float32Array(SIZE).fill(step)]]),
  optimizer: { step, moments: { m: new Float32Array(SIZE).fill(0.5) } },
  reference: null,
  evaluations: [],
  metric: 'eval/loss',
});
