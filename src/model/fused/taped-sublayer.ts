/** A sublayer on the tape, as one operation of x and the LoRA matrices. */
import { full, type Tensor, tf } from '../../tensor/index.js';
import type { Kept, Sublayer } from './sublayer.js';

type Save = (tensors: Tensor[]) => void;

/** @param x `[T, H]` float32 @returns `[T, H]` float32 */
export function tapedSublayer(x: Tensor, sublayer: Sublayer): Tensor {
  const { linears } = sublayer.inner;
  const loras = linears.flatMap(({ lora }) => (lora === null ? [] : [lora]));
  const factors = loras.flatMap(({ factor }) => [factor, factor]);
  return tf.customGrad((...args) => {
    const save = args.pop() as unknown as Save;
    const input = args[0] as Tensor;
    const trace = sublayer.trace(input, linears, { keeps: true });
    const { saved, lows, projected } = trace;
    save([input, ...lows, ...(projected === null ? [] : [projected]), ...saved]);
    const keptOf = (all: Tensor[]): Kept => {
      const own = all.slice(1);
      const [again, last] = [own.splice(0, lows.length), projected && own.shift()!];
      return { saved: own, lows: again, projected: last };
    };
    return {
      value: sublayer.result(input, trace, linears),
      gradFunc: (dy: Tensor, all: Tensor[]) => {
        const grads = tf.tidy(() => {
          const use = { kept: keptOf(all), keeps: true };
          const again = sublayer.trace(all[0]!, linears, use);
          const { dx, gradients } = sublayer.gradient({ x: all[0]!, dy, trace: again }, linears);
          return [dx, ...gradients.map((gradient, i) => toTrained(gradient, factors[i]!))];
        });
        // The tape would keep it to its end, though nothing reads it again.
        dy.dispose();
        return grads;
      },
    };
  })(x, ...loras.flatMap(({ trained }) => trained()));
}

/** The gradient to a trained matrix, from that to what was made of it. */
const toTrained = (gradient: Tensor, factor: number): Tensor =>
  factor === 1 ? full(gradient) : full(gradient).mul(factor);
