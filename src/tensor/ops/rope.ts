/**
 * Rotary embedding in the half-split layout of Hugging Face checkpoints: with x = [a, b] (two halves
 * of the rotated part), y = [a·cos − b·sin, b·cos + a·sin]. Its gradient rotates by the negative angle.
 */
import { nativeRope } from '../native/calls.js';
import { hasNativeOps, type Tensor, tf } from '../tf.js';
import type { RotaryTable } from './layout.js';

interface RopeOptions {
  readonly headDim: number;
  /** int32 `[T]` */
  readonly positions: Tensor;
}

/** x `[T, heads·D]`; `sign` −1 rotates back. */
function rotate(x: Tensor, table: RotaryTable, sign: 1 | -1, options: RopeOptions): Tensor {
  const { headDim, positions } = options;
  if (hasNativeOps()) return nativeRope(x, { ...table, positions }, { headDim, sign });
  const [tokens, width] = x.shape as [number, number];
  const half = table.cos.shape[1]!;
  const cos = tf.gather(table.cos, positions as never).expandDims(1);
  const sines = tf.gather(table.sin, positions as never).expandDims(1);
  const sin = sign === 1 ? sines : tf.neg(sines);
  const sizes = 2 * half === headDim ? [half, half] : [half, half, headDim - 2 * half];
  const parts = tf.split(x.reshape([tokens, width / headDim, headDim]), sizes, 2);
  const [a, b, rest] = parts as [Tensor, Tensor, Tensor | undefined];
  const rotated = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))];
  return tf.concat(rest === undefined ? rotated : [...rotated, rest], 2).reshape([tokens, width]);
}

/**
 * @param x `[T, heads·D]`
 * @param table By position; must outlive the backward pass, as the positions.
 */
export function rope(x: Tensor, table: RotaryTable, options: RopeOptions): Tensor {
  return tf.customGrad((input) => ({
    value: rotate(input as Tensor, table, 1, options),
    gradFunc: (dy: Tensor) => rotate(dy, table, -1, options),
  }))(x);
}
