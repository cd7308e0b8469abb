/** Functions with gradients of their own, of which the tape keeps what they are given and nothing else. */
import { type Tensor, tf } from '../tf.js';

interface Differentiable<Inputs extends readonly Tensor[]> {
  readonly value: (...inputs: Inputs) => Tensor;
  /** To each input; of a single one alone. */
  readonly gradient: (dy: Tensor, ...inputs: Inputs) => Tensor | Tensor[];
}

export const withGradient = <Inputs extends readonly Tensor[]>(
  inputs: Inputs,
  { value, gradient }: Differentiable<Inputs>,
): Tensor =>
  tf.customGrad((...given) => {
    const save = given.pop() as unknown as (tensors: Tensor[]) => void;
    save(given as Tensor[]);
    return {
      value: value(...(given as unknown as Inputs)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => gradient(dy, ...(saved as unknown as Inputs)),
    };
  })(...inputs);
