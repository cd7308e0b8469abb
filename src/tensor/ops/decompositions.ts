/** Matrix decompositions by TensorFlow's own operations. No gradients. */
import { attr, executeOp } from '../execute.js';
import type { Tensor } from '../tf.js';

/**
 * W = U·diag(s)·Vᵀ, singular values from large to small, k = min(m, n).
 * @param matrix `[m, n]` @returns U `[m, k]`, s `[k]`, V `[n, k]`
 */
export function svd(matrix: Tensor): {
  readonly u: Tensor;
  readonly s: Tensor;
  readonly v: Tensor;
} {
  const attributes = [
    attr.type('T', 'float32'),
    attr.bool('compute_uv', true),
    attr.bool('full_matrices', false),
  ];
  const [s, u, v] = executeOp('Svd', attributes, [matrix], 3) as [Tensor, Tensor, Tensor];
  return { u, s, v };
}

/** An orthonormal basis of the columns, Q of a thin QR. @param matrix `[m, n]` @returns `[m, min(m, n)]` */
export function orthonormal(matrix: Tensor): Tensor {
  const attributes = [attr.type('T', 'float32'), attr.bool('full_matrices', false)];
  return executeOp('Qr', attributes, [matrix], 2)[0]!;
}
