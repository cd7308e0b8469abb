/**
 * Rotary embedding in the half-split layout of Hugging Face checkpoints: with x = [a, b] (two halves
 * of the rotated part), y = [a·cos − b·sin, b·cos + a·sin]. Its gradient rotates by the negative angle.
 */
import { type Tensor, tf } from '../tf.js';

/** cos and sin, each `[S, rotaryDim / 2]`, or `[B, S, rotaryDim / 2]` for positions by row. */
export interface RotaryTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

function rotate(x: Tensor, cos: Tensor, sin: Tensor, rotaryDim: number): Tensor {
  const headDim = x.shape[3]!;
  const half = rotaryDim / 2;
  const parts = tf.split(
    x,
    rotaryDim === headDim ? [half, half] : [half, half, headDim - rotaryDim],
    3,
  );
  const [a, b, rest] = parts as [Tensor, Tensor, Tensor | undefined];
  const rotated = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))];
  return tf.concat(rest === undefined ? rotated : [...rotated, rest], 3);
}

/**
 * @param x `[B, heads, S, headDim]`
 * @param table Must outlive the backward pass.
 */
export function rope(x: Tensor, table: RotaryTable): Tensor {
  const rotaryDim = 2 * table.cos.shape[table.cos.rank - 1]!;
  const overHeads = (part: Tensor) => part.expandDims(part.rank - 2);
  return tf.customGrad((input) => ({
    value: rotate(input as Tensor, overHeads(table.cos), overHeads(table.sin), rotaryDim),
    gradFunc: (dy: Tensor) =>
      rotate(dy, overHeads(table.cos), tf.neg(overHeads(table.sin)), rotaryDim),
  }))(x);
}
