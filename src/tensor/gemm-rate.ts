/** How fast matrix products are on this machine, so that the use of it can be read off a benchmark. */
import { cut, full, halfProduct } from './kernels/half-tensor.js';
import { seededUniform } from './kernels/seeded-uniform.js';
import { type ComputeType, castTo, nativeGemm } from './native/calls.js';
import { deviceInfo, hasHalfTensors, hasNativeOps, type Tensor, tf } from './tf.js';

/** Rows, inner size and columns, large enough for the full rate: 19 GFLOP, and 1.1 TFLOP for a GPU. */
const SHAPES = { cpu: [4096, 1536, 1536], cuda: [8192, 8192, 8192] } as const;
const REPEATS = 5;
/** A GPU works through what it is given while the host goes on; so many products hide the way there and back. */
const QUEUED = 50;

/** Waits for a tensor by reading one number of it. */
function settle(x: Tensor): void {
  const column =
    x.dtype === 'float32' ? tf.slice(x, [0, 0], [-1, 1]) : full(cut(x, [0, 0], [x.shape[0]!, 1]));
  column.dataSync();
}

/** 1e9 floating-point operations a second, by the product that training uses; the best of a few. */
export function gemmRate(compute: ComputeType): number {
  const { device } = deviceInfo();
  const [m, k, n] = SHAPES[device];
  return tf.tidy(() => {
    const type = hasHalfTensors() ? compute : 'float32';
    const queued = device === 'cuda' ? QUEUED : 1;
    const a = castTo(seededUniform([m, k], [1, 2]), 'float32', type);
    const b = castTo(seededUniform([n, k], [3, 4]), 'float32', type);
    const product = (): Tensor => {
      if (hasNativeOps()) return nativeGemm([{ a, b, transpose: true }], { out: type });
      if (type === 'bfloat16') return halfProduct(a, b, { transposeB: true });
      return tf.matMul(a, b, false, true);
    };
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= REPEATS; i++) {
      const start = performance.now();
      for (let j = 1; j < queued; j++) product().dispose();
      const last = product();
      if (queued > 1) tf.tidy(() => settle(last));
      last.dispose();
      best = Math.min(best, (performance.now() - start) / queued);
    }
    return (2 * m * n * k) / best / 1e6;
  });
}
