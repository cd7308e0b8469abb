/**
 * Rotary embedding in the half-split layout of Hugging Face checkpoints: with x = [a, b] (two halves of the
 * rotated part), y = [a·cos − b·sin, b·cos + a·sin]; what lies behind it passes. The gradient rotates back.
 */
import type { RotaryTable } from '../ops/layout.js';
import { type Tensor, tf } from '../tf.js';

export function composedRope(
  x: Tensor,
  { positions, cos: cosines, sin: sines }: RotaryTable & { readonly positions: Tensor },
  { headDim, sign }: { readonly headDim: number; readonly sign: 1 | -1 },
): Tensor {
  return tf.tidy(() => {
    const [tokens, width] = x.shape as [number, number];
    const half = cosines.shape[1]!;
    const cos = tf.gather(cosines, positions as never).expandDims(1);
    const forward = tf.gather(sines, positions as never).expandDims(1);
    const sin = sign === 1 ? forward : tf.neg(forward);
    const sizes = 2 * half === headDim ? [half, half] : [half, half, headDim - 2 * half];
    const parts = tf.split(x.reshape([tokens, width / headDim, headDim]), sizes, 2);
    const [a, b, rest] = parts as [Tensor, Tensor, Tensor | undefined];
    const rotated = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))];
    return tf.concat(rest === undefined ? rotated : [...rotated, rest], 2).reshape([tokens, width]);
  });
}
