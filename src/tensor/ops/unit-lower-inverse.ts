/**
 * The inverse T of I + A, A strictly lower triangular, by blocks: with the inverses of two neighbouring blocks of size
 * s, that of the block of size 2s has −T₂₂·A₂₁·T₁₁ below its diagonal. Unlike a series in powers of A, nothing grows
 * beyond the inverse itself on the way.
 */
import { type Tensor, tf } from '../tf.js';

/** Zeros and ones, `[C, C]`. */
export interface Triangles {
  readonly identity: Tensor;
  /** With its diagonal, and without. */
  readonly lower: Tensor;
  readonly below: Tensor;
  /** For s = 1, 2, … C/2: where rows of the second half of a block of 2s meet columns of its first half. */
  readonly halves: readonly Tensor[];
}

/** @param size C, a power of 2 @param tensorOf Makes `[size, size]` of its elements, which the caller disposes */
export function trianglesOf(size: number, tensorOf: (values: Float32Array) => Tensor): Triangles {
  const where = (isOne: (row: number, column: number) => boolean) =>
    tensorOf(
      Float32Array.from({ length: size * size }, (_, i) =>
        Number(isOne(Math.floor(i / size), i % size)),
      ),
    );
  const meet = (half: number) =>
    where(
      (row, column) =>
        Math.floor(row / (2 * half)) === Math.floor(column / (2 * half)) &&
        row % (2 * half) >= half &&
        column % (2 * half) < half,
    );
  return {
    identity: where((row, column) => row === column),
    lower: where((row, column) => row >= column),
    below: where((row, column) => row > column),
    halves: Array.from({ length: Math.log2(size) }, (_, i) => meet(2 ** i)),
  };
}

/** No gradient is recorded. @param a `[…, C, C]`; only what is below the diagonal is read @returns `[…, C, C]` */
export function unitLowerInverse(a: Tensor, { identity, halves }: Triangles): Tensor {
  return tf.tidy(() => {
    const [first, ...others] = halves;
    let t: Tensor = first === undefined ? a.mul(0).add(1) : identity.sub(a.mul(first));
    for (const mask of others) {
      t = tf.tidy(() => t.sub(tf.matMul(tf.matMul(t, a.mul(mask)), t)));
    }
    return t;
  });
}
