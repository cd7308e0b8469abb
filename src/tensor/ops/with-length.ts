/** Vectors brought to one length, length·x/√(Σ x² + eps), on the tape: RMSNorm by one number. */
import { kernels } from '../kernels/kernels.js';
import { type Tensor, tf } from '../tf.js';
import { withGradient } from './with-gradient.js';

/** @param x `[N, D]` */
export function withLength(
  x: Tensor,
  { length, eps }: { readonly length: number; readonly eps: number },
): Tensor {
  const dim = x.shape.at(-1)!;
  const form = { eps: eps / dim, offset: 0, out: 'float32' } as const;
  const weight = () => tf.fill([dim], length * dim ** -0.5);
  return withGradient([x], {
    value: (input) => kernels().norm(input, weight(), form),
    gradient: (dy, input) =>
      tf.tidy(() => kernels().normGradient({ x: input, w: weight(), dy }, form)),
  });
}
