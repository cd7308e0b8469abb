/** Expected losses and gradients from TRL (scripts/golden/losses.py), and how a loss is put beside them. */
import { readFileSync } from 'node:fs';
import type {
  CorrectionMode,
  DpoLossType,
  GrpoLossType,
  LossOutput,
} from '../../../src/losses/index.js';
import { type Tensor, tf } from '../../../src/tensor/index.js';

interface DpoCase {
  readonly lossType: DpoLossType;
  readonly beta: number;
  readonly labelSmoothing: number;
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
}

interface GrpoCase {
  readonly lossType: GrpoLossType;
  readonly beta: number;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly useOld: boolean;
  readonly correction: readonly [CorrectionMode, number] | null;
  /** Rows of each micro-batch. */
  readonly groups: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradients: readonly (readonly number[])[];
  /** Of one micro-batch with all rows. */
  readonly metrics?: Readonly<Record<string, number>>;
}

type Rows = readonly (readonly number[])[];

export interface GoldenLosses {
  readonly dpo: {
    readonly rows: Rows;
    readonly reference: readonly number[];
    readonly cases: readonly DpoCase[];
  };
  readonly grpo: {
    readonly logps: Rows;
    readonly old: Rows;
    readonly reference: Rows;
    readonly sampled: Rows;
    readonly advantages: readonly number[];
    readonly maxCompletionLength: number;
    readonly cases: readonly GrpoCase[];
  };
}

const FILE = new URL('../../fixtures/model/losses.json', import.meta.url);

export const goldenLosses = (): GoldenLosses => JSON.parse(readFileSync(FILE, 'utf8'));

export interface Differentiated {
  readonly loss: number;
  /** To the log-probability of each token. */
  readonly gradient: Float32Array;
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * A loss and its gradient at given log-probabilities. Entropy is 0.5 and correctness 1 for every token.
 * @throws Error when the loss sends a gradient to another column than the first.
 */
export function differentiate(
  logps: readonly number[],
  lossOf: (scores: Tensor) => LossOutput,
): Differentiated {
  return tf.tidy(() => {
    const scores = tf.tensor2d(
      logps.flatMap((logp) => [logp, 0.5, 1]),
      [logps.length, 3],
    );
    const { metrics } = lossOf(scores);
    const { value, grad } = tf.valueAndGrad((x) => lossOf(x).loss)(scores);
    const gradients = grad.dataSync<'float32'>();
    if (gradients.some((slope, i) => i % 3 !== 0 && slope !== 0)) {
      throw new Error('the loss depends on more than the log-probabilities');
    }
    return {
      loss: value.dataSync()[0]!,
      gradient: gradients.filter((_, i) => i % 3 === 0),
      metrics: Object.fromEntries(
        Object.entries(metrics).map(([name, tensor]) => [name, tensor.dataSync()[0]!]),
      ),
    };
  });
}

/** The row of each token of `rows`. */
export const ownersOf = (rows: Rows): Int32Array =>
  Int32Array.from(rows.flatMap((row, index) => row.map(() => index)));
