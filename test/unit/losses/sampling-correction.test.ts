/** The weights that are reported are those that the loss has. */
import { expect, it } from 'vitest';
import { boundedWeight } from '../../../src/losses/index.js';
import {
  type CorrectionMode,
  samplingCorrection,
} from '../../../src/losses/sampling-correction.js';
import { tf } from '../../../src/tensor/index.js';

const GAPS = [-3, -0.5, 0, 0.25, 1, 4];
const OWNERS = { sequences: Int32Array.from([0, 0, 1, 1, 2, 2]), count: 3 };
/** Sums of the gaps of each completion. */
const TOTALS = [-3.5, 0.25, 5];

it.each([
  // exp(-3) 0.0498 and exp(-0.5) 0.6065 below the floor, exp(1) 2.718 and exp(4) 54.6 above the cap.
  ['token_truncate', 2, 0.7, [0.7, 0.7, 1, Math.exp(0.25), 2, 2]],
  ['token_mask', 2, 0.7, [0, 0, 1, Math.exp(0.25), 0, 0]],
  ['token_mask', 3, null, [Math.exp(-3), Math.exp(-0.5), 1, Math.exp(0.25), Math.E, 0]],
  ['token_truncate', null, null, GAPS.map(Math.exp)],
  ['token_mask', null, 0.7, [0, 0, ...GAPS.slice(2).map(Math.exp)]],
  // By completion: exp(-3.5) 0.0302, exp(0.25) 1.284, exp(5) 148.4.
  ['sequence_truncate', 2, null, [Math.exp(-3.5), Math.exp(0.25), 2]],
  ['sequence_mask', 2, 0.1, [0, Math.exp(0.25), 0]],
] as const)('%s within %s and %s', (mode: CorrectionMode, cap, floor, expected) => {
  const isSequence = mode.startsWith('sequence');
  const correction = { mode, cap, floor };
  const reported = (isSequence ? TOTALS : GAPS).map((gap) => boundedWeight(gap, correction));
  const sampledBy = { ...correction, logps: new Float32Array(GAPS.length) };
  const inLoss = tf.tidy(() => samplingCorrection(tf.tensor1d(GAPS), sampledBy, OWNERS).dataSync());
  const weights = isSequence ? [inLoss[0]!, inLoss[2]!, inLoss[4]!] : [...inLoss];
  for (const [i, value] of expected.entries()) {
    expect(reported[i]).toBeCloseTo(value, 12);
    expect(weights[i]).toBeCloseTo(value, 5);
  }
});

it.each([
  ['sequence_mask', 0],
  ['sequence_truncate', 3.4028234663852886e38],
] as const)(
  '%s without a cap is finite where the ratio of a completion is not',
  (mode, expected) => {
    // 2000 · .05 = 100 > 88.72, the logarithm of the largest float32.
    const correction = { mode, cap: null, floor: null };
    const sampledBy = { ...correction, logps: new Float32Array(2000).fill(-0.05) };
    const owners = { sequences: new Int32Array(2000), count: 1 };
    const inLoss = tf.tidy(() =>
      samplingCorrection(tf.zeros([2000]), sampledBy, owners).dataSync(),
    );
    expect([...new Set(inLoss)]).toEqual([expected]);
    expect(boundedWeight(100, correction)).toBe(expected);
  },
);
