/** Tensors that TensorFlow alone holds, from the beginning. */
import { attr, executeOp, type OpDtype } from './execute.js';
import { type Tensor, tf } from './tf.js';

/**
 * A tensor of host values, given to TensorFlow now: tfjs keeps a host array until an operation takes it, so that
 * weights would be held twice from the first step on.
 * @param values Row-major
 */
export function onDevice(values: Float32Array, shape: readonly number[]): Tensor {
  return tf.tidy(() => {
    const host = tf.tensor(values, shape as number[]);
    return executeOp('Identity', [attr.type('T', host.dtype as OpDtype)], [host]);
  });
}
