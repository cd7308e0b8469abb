/**
 * The mean of a position's logits over the vocabulary, without the logits: mean_v(W_v·h) = h·mean_v(W_v). It has no
 * gradient. A cap on logits is no linear map, so there the mean is not known.
 */
import { type ComputeType, castTo, cut, stopGradient, type Tensor, tf } from '../tensor/index.js';

/** Rows of the head that are summed up at once. */
const ROWS_AT_ONCE = 4096;

/** @param head `[V, H]` @returns `[H, 1]`, mean over rows, float32 */
function meanRow(head: Tensor, type: ComputeType): Tensor {
  const [vocab, width] = head.shape as [number, number];
  return tf.tidy(() => {
    let sum: Tensor = tf.fill([width], 0);
    for (let from = 0; from < vocab; from += ROWS_AT_ONCE) {
      const shape = [Math.min(ROWS_AT_ONCE, vocab - from), width];
      const rows = () => castTo(cut(head, [from, 0], shape), type, 'float32');
      const next = tf.tidy(() => sum.add(tf.sum(rows(), 0)));
      sum.dispose();
      sum = next;
    }
    return sum.div(vocab).reshape([width, 1]);
  });
}

export class MeanLogits {
  private readonly type: ComputeType;
  private readonly scale: number;
  /** Of a frozen head; made when it is first asked for. */
  private kept: Tensor | null = null;

  constructor({ type, scale }: { readonly type: ComputeType; readonly scale: number }) {
    this.type = type;
    this.scale = scale;
  }

  /** @param hidden `[M, H]` @param head `[V, H]` @returns `[M, 1]` */
  of(hidden: Tensor, head: Tensor, options: { readonly isTrained: boolean }): Tensor {
    return stopGradient(hidden, (x) => tf.matMul(x, this.row(head, options)).mul(this.scale));
  }

  dispose(): void {
    this.kept?.dispose();
    this.kept = null;
  }

  private row(head: Tensor, { isTrained }: { readonly isTrained: boolean }): Tensor {
    if (isTrained) return meanRow(head, this.type);
    this.kept ??= tf.keep(meanRow(head, this.type));
    return this.kept;
  }
}
