/** Values on the host, of what TensorFlow computes. */
import { type Tensor, tf } from './tf.js';

/**
 * Row-major. tfjs looks for tensors in whatever a tidy gives back, number by number, and no further than 2^24 that
 * differ: so the tidy gives back the tensor.
 * @param make Its tensor is disposed
 */
export function onHost<T extends Float32Array | Int32Array = Float32Array>(make: () => Tensor): T {
  const tensor = tf.tidy(make);
  const values = tensor.dataSync();
  tensor.dispose();
  return values as T;
}
