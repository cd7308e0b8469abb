/**
 * The inverse T of I + A, A strictly lower triangular, by blocks: with the inverses of two neighbouring blocks of size
 * s, that of the block of size 2s has −T₂₂·A₂₁·T₁₁ below its diagonal. Unlike a series in powers of A, nothing grows
 * beyond the inverse itself on the way. dA = −Tᵀ·dT·Tᵀ, of which the strictly lower part counts.
 */
import { type Tensor, tf } from '../tf.js';

/** 1 where rows of the second half of a block of 2s meet columns of its first half, else 0: `[C, C]` for each s. */
function levels(size: number): Tensor[] {
  const masks: Tensor[] = [];
  for (let half = 1; half < size; half *= 2) {
    const isBelow = (row: number, column: number) =>
      Math.floor(row / (2 * half)) === Math.floor(column / (2 * half)) &&
      row % (2 * half) >= half &&
      column % (2 * half) < half;
    const values = Float32Array.from({ length: size * size }, (_, i) =>
      isBelow(Math.floor(i / size), i % size) ? 1 : 0,
    );
    masks.push(tf.tensor2d(values, [size, size]));
  }
  return masks;
}

/** 1 below the diagonal, else 0. @param diagonal What stands on it */
export function lowerMask(size: number, diagonal: 0 | 1): Tensor {
  const values = Float32Array.from({ length: size * size }, (_, i) =>
    Math.floor(i / size) > (i % size) - diagonal ? 1 : 0,
  );
  return tf.tensor2d(values, [size, size]);
}

function inverse(a: Tensor): Tensor {
  const size = a.shape.at(-1)!;
  return tf.tidy(() => {
    const [first, ...others] = levels(size);
    const identity = tf.eye(size) as Tensor;
    let t: Tensor = first === undefined ? a.mul(0).add(1) : identity.sub(a.mul(first));
    for (const mask of others) {
      t = tf.tidy(() => t.sub(tf.matMul(tf.matMul(t, a.mul(mask)), t)));
    }
    return t;
  });
}

/** On the tape. @param a `[…, C, C]`, C a power of 2; only what is below the diagonal is read @returns `[…, C, C]` */
export function unitLowerInverse(a: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const value = inverse(input as Tensor);
    (save as (tensors: Tensor[]) => void)([value]);
    return {
      value,
      gradFunc: (dy: Tensor, [t]: Tensor[]) =>
        tf.tidy(() => {
          const inner = tf.matMul(tf.matMul(t!, dy, true, false), t!, false, true);
          return inner.mul(lowerMask(t!.shape.at(-1)!, 0)).neg();
        }),
    };
  })(a);
}
