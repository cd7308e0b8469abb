/** Tensors that TensorFlow alone holds, from the beginning. */
import { attr, cast, executeOp, type OpDtype } from './execute.js';
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

/**
 * Indices, `[n]` int32. tfjs leaves integers with the host, from where a card would copy them for each operation that
 * reads them.
 */
export function indicesOnDevice({ buffer, byteOffset, length }: Int32Array): Tensor {
  return tf.tidy(() =>
    asType(onDevice(new Float32Array(buffer, byteOffset, length), [length]), 'int32'),
  );
}

/** Part of such indices, cut as float32: what is cut of integers comes to the host. @param indices int32 `[n]` */
export function indicesFrom(indices: Tensor, start: number, size: number): Tensor {
  if (size === indices.size) return indices.clone();
  return tf.tidy(() => asType(tf.slice(asType(indices, 'float32'), [start], [size]), 'int32'));
}

/** The same bits. */
function asType(x: Tensor, type: 'float32' | 'int32'): Tensor {
  const attrs = [attr.type('T', x.dtype as OpDtype), attr.type('type', type)];
  return executeOp('Bitcast', attrs, [x]);
}

/** Values as a checkpoint stores them. */
interface StoredValues {
  readonly dtype: 'float32' | 'float16' | 'bfloat16';
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

/** The same of stored values, in float32. What has two bytes TensorFlow widens, so that no array on the host does. */
export function storedOnDevice({ dtype, shape, bytes }: StoredValues): Tensor {
  if (dtype === 'float32') return onDevice(words(bytes), shape);
  return tf.tidy(() => {
    const held = onDevice(words(bytes), [Math.ceil(bytes.length / 4)]);
    const bits = [attr.type('T', 'float32'), attr.type('type', dtype)];
    const halves = executeOp('Bitcast', bits, [held]);
    const values = cast(halves, dtype, 'float32');
    const flat = tf.slice(values.flatten(), [0], [bytes.length / 2]);
    return flat.reshape(shape as number[]);
  });
}

/** As float32 of the same bits; what bytes lack to whole words are zeros. */
function words(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  if (byteOffset % 4 === 0 && length % 4 === 0) {
    return new Float32Array(buffer, byteOffset, length / 4);
  }
  const padded = new Uint8Array(Math.ceil(length / 4) * 4);
  padded.set(bytes);
  return new Float32Array(padded.buffer);
}
