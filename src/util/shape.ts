/** Shapes of tensors: the size of each dimension, the slowest first. */

/** Elements of a tensor of this shape; 1 for a scalar `[]`. */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);
