/** A sublayer on the tape, as one operation of x and the LoRA matrices. */
import { type Tensor, tf } from '../../tensor/index.js';
import { loraInputs, withInputs } from './fused-source.js';
import type { Kept, Sublayer } from './sublayer.js';

type Save = (tensors: Tensor[]) => void;

/** @param x `[T, H]` float32 @returns `[T, H]` float32 */
export function tapedSublayer(x: Tensor, sublayer: Sublayer): Tensor {
  const { inner } = sublayer;
  return tf.customGrad((...args) => {
    const save = args.pop() as unknown as Save;
    const [input, ...matrices] = args as unknown as [Tensor, ...Tensor[]];
    const linears = withInputs(inner.linears, matrices);
    const trace = sublayer.trace(input, linears, { keeps: true });
    const { saved, lows, projected } = trace;
    save([input, ...matrices, ...lows, ...(projected === null ? [] : [projected]), ...saved]);
    const keptOf = (all: Tensor[]): Kept => {
      const own = all.slice(1 + matrices.length);
      const [again, last] = [own.splice(0, lows.length), projected && own.shift()!];
      return { saved: own, lows: again, projected: last };
    };
    return {
      value: sublayer.result(input, trace, linears),
      gradFunc: (dy: Tensor, all: Tensor[]) => {
        const grads = tf.tidy(() => {
          const again = withInputs(inner.linears, all.slice(1, 1 + matrices.length));
          const trace = sublayer.trace(all[0]!, again, { kept: keptOf(all), keeps: true });
          const { dx, gradients } = sublayer.gradient({ x: all[0]!, dy, trace }, again);
          return [dx, ...gradients];
        });
        // The tape would keep it to its end, though nothing reads it again.
        dy.dispose();
        return grads;
      },
    };
  })(x, ...loraInputs(inner.linears));
}
