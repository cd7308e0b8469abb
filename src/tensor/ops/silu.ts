/** x·σ(x) on the tape, which keeps x alone; its slope is σ·(1 + x·(1 − σ)). */
import { type Tensor, tf } from '../tf.js';

export function silu(x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const y = input as Tensor;
    (save as (tensors: Tensor[]) => void)([y]);
    return {
      value: y.mul(tf.sigmoid(y)),
      gradFunc: (dy: Tensor, [saved]: Tensor[]) =>
        tf.tidy(() => {
          const open = tf.sigmoid(saved!);
          return dy.mul(open.mul(saved!.mul(open.neg().add(1)).add(1)));
        }),
    };
  })(x);
}
