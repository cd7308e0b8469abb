/** How fast matrix products are on this machine, so that the use of it can be read off a benchmark. */
import { type ComputeType, castTo, nativeGemm } from './native/calls.js';
import { hasNativeOps, tf } from './tf.js';

/** Rows, inner size and columns: large enough for the full rate, 19 GFLOP. */
const SHAPE = [4096, 1536, 1536] as const;
const REPEATS = 5;

/** 1e9 floating-point operations a second, by the product that training uses; the best of a few. */
export function gemmRate(compute: ComputeType): number {
  const [m, k, n] = SHAPE;
  return tf.tidy(() => {
    const type = hasNativeOps() ? compute : 'float32';
    const a = castTo(tf.randomNormal([m, k]), 'float32', type);
    const b = castTo(tf.randomNormal([n, k]), 'float32', type);
    const product = () =>
      hasNativeOps()
        ? nativeGemm([{ a, b, transpose: true }], { out: type })
        : tf.matMul(a, b, false, true);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= REPEATS; i++) {
      const start = performance.now();
      product().dispose();
      best = Math.min(best, performance.now() - start);
    }
    return (2 * m * n * k) / best / 1e6;
  });
}
