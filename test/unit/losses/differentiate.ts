/** A loss with its gradients, to be put beside the golden ones. */
import type { LossOutput } from '../../../src/losses/index.js';
import { type Tensor, tf } from '../../../src/tensor/index.js';

export interface Differentiated {
  readonly loss: number;
  /** To the log-probability of each token. */
  readonly gradient: Float32Array;
  /** To the entropy of each token. */
  readonly entropyGradient: Float32Array;
  readonly metrics: Readonly<Record<string, number>>;
}

interface OtherColumns {
  /** Default 0.5 each. */
  readonly entropies?: readonly number[];
  /** Default 1 for every token. */
  readonly correct?: readonly number[];
  /** Default: the column is not there. */
  readonly meanLogits?: readonly number[];
}

/** Of preference losses: tokens above −2 count as the likeliest, and the means of logits are the log-probabilities. */
export const goldenColumns = (logps: readonly number[]): OtherColumns => ({
  correct: logps.map((logp) => Number(logp > -2)),
  meanLogits: logps,
});

/**
 * A loss and its gradient at given log-probabilities.
 * @throws Error when the loss sends a gradient to the correctness or to the means of logits.
 */
export function differentiate(
  logps: readonly number[],
  lossOf: (scores: Tensor) => LossOutput,
  { entropies, correct, meanLogits }: OtherColumns = {},
): Differentiated {
  return tf.tidy(() => {
    const width = meanLogits === undefined ? 3 : 4;
    const scores = tf.tensor2d(
      logps.flatMap((logp, i) => [
        ...[logp, entropies?.[i] ?? 0.5, correct?.[i] ?? 1],
        ...(meanLogits === undefined ? [] : [meanLogits[i]!]),
      ]),
      [logps.length, width],
    );
    const { metrics } = lossOf(scores);
    const { value, grad } = tf.valueAndGrad((x) => lossOf(x).loss)(scores);
    const gradients = grad.dataSync<'float32'>();
    const column = (index: number) => gradients.filter((_, i) => i % width === index);
    for (let index = 2; index < width; index++) {
      if (column(index).some((slope) => slope !== 0)) throw new Error('the loss depends on it');
    }
    return {
      loss: value.dataSync()[0]!,
      gradient: column(0),
      entropyGradient: column(1),
      metrics: Object.fromEntries(
        Object.entries(metrics).map(([name, tensor]) => [name, tensor.dataSync()[0]!]),
      ),
    };
  });
}

/** The row of each token of `rows`. */
export const ownersOf = (rows: readonly (readonly number[])[]): Int32Array =>
  Int32Array.from(rows.flatMap((row, index) => row.map(() => index)));
