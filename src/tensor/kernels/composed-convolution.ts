/**
 * A causal convolution of each channel by itself over the last tokens of a sequence, y_t = Σ_j w_j ⊙ u_(t − j), in
 * a flat batch: `TokenLayout.before` says where the token j before t stands, so that none sees another sequence.
 */
import type { ConvolutionGradientInputs } from '../native/mixer-calls.js';
import { rowsAt } from '../ops/gather.js';
import type { TokenLayout } from '../ops/layout.js';
import { type Tensor, tf } from '../tf.js';

/** w_j by distance j, `[H]` each; a checkpoint has the own token's last. @param kernel `[H, 1, taps]` */
function byDistance(kernel: Tensor): Tensor[] {
  const [hidden, , taps] = kernel.shape as [number, number, number];
  const rows = tf.unstack(tf.transpose(kernel.reshape([hidden, taps])));
  return rows.reverse();
}

/** u_(t − j) of every token, `[T, H]`; zeros where there is none. */
function behind(u: Tensor, distance: number, layout: TokenLayout): Tensor {
  if (distance === 0) return u;
  const extended = tf.concat([u, tf.fill([1, u.shape[1]!], 0)], 0);
  return rowsAt(extended, layout.before(distance), 'float32');
}

export function composedConvolution(u: Tensor, kernel: Tensor, layout: TokenLayout): Tensor {
  return tf.tidy(() =>
    tf.addN(
      byDistance(kernel).map((w, distance) => tf.tidy(() => behind(u, distance, layout).mul(w))),
    ),
  );
}

export function composedConvolutionGradient(
  { dy, kernel, u }: ConvolutionGradientInputs,
  layout: TokenLayout,
): [Tensor, Tensor | null] {
  const dkernel = u && tf.tidy(() => kernelGradient({ u, dy }, kernel.shape, layout));
  return [inputGradient(dy, kernel, layout), dkernel];
}

/** Each token gives to those that it was made of. */
function inputGradient(dy: Tensor, kernel: Tensor, layout: TokenLayout): Tensor {
  const tokens = dy.shape[0]!;
  const given = (w: Tensor, distance: number): Tensor => {
    const part = dy.mul(w);
    if (distance === 0) return part;
    const places = layout.before(distance) as never;
    const sums = tf.unsortedSegmentSum(part, places, tokens + 1);
    return tf.slice(sums, [0, 0], [tokens, -1]);
  };
  return tf.tidy(() =>
    tf.addN(byDistance(kernel).map((w, distance) => tf.tidy(() => given(w, distance)))),
  );
}

function kernelGradient(
  { u, dy }: { readonly u: Tensor; readonly dy: Tensor },
  shape: readonly number[],
  layout: TokenLayout,
): Tensor {
  const taps = shape[2]!;
  const sums = Array.from({ length: taps }, (_, i) =>
    tf.tidy(() =>
      behind(u, taps - 1 - i, layout)
        .mul(dy)
        .sum(0),
    ),
  );
  return tf.stack(sums, 1).reshape(shape as [number, number, number]);
}
