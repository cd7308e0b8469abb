/** The loss and its metrics on held-out examples, without a gradient. */
import { balanceLoss, type LossOutput } from '../losses/index.js';
import type { Policy, RouterUse } from '../model/index.js';
import { type Tensor, tf } from '../tensor/index.js';
import { summed, totalCounts } from './router-spread.js';
import type { MicroTask } from './trainer.js';

export interface HeldOut {
  /** Made for one optimizer step that holds all examples. */
  readonly tasks: readonly MicroTask[];
  /** What was computed for the tasks. */
  readonly metrics?: Readonly<Record<string, number>>;
}

interface HeldOutOptions {
  /** Weight of the loss that keeps experts evenly used; 0: none. */
  readonly routerAuxLossCoef: number;
}

/** @returns `loss` and the metrics of the loss, summed over the tasks, with those that are known. */
export async function heldOutMetrics(
  policy: Policy,
  { tasks, metrics }: HeldOut,
  { routerAuxLossCoef: coefficient }: HeldOutOptions,
): Promise<Record<string, number>> {
  const totals: Record<string, number> = { ...metrics };
  const add = (numbers: Readonly<Record<string, number>>) => {
    for (const [name, value] of Object.entries(numbers)) totals[name] = (totals[name] ?? 0) + value;
  };
  const uses: Omit<RouterUse, 'probabilities'>[] = [];
  const probabilities: Float32Array[] = [];
  for (const { batch, lossOf, temperature = 1, columns = [], meanLogits = false } of tasks) {
    const meanLogp = columns.includes('mean_logp');
    const scores = await policy.score(batch, {
      temperature,
      meanLogits,
      meanLogp,
      ...(coefficient !== 0 && {
        onRouters(use) {
          uses.push({ counts: use.counts, rows: use.rows });
          probabilities.push(use.probabilities.dataSync() as Float32Array);
        },
      }),
    });
    const rows = batch.targets.length;
    add(await numbersOf(() => lossOf(tf.tensor2d(scores, [rows, scores.length / rows]))));
  }
  if (uses.length === 0) return totals;
  const balance = { coefficient, ...totalCounts(uses) };
  add(await numbersOf(() => balanceLoss(tf.tensor1d(summed(probabilities)), balance)));
  return totals;
}

async function numbersOf(output: () => LossOutput): Promise<Record<string, number>> {
  const names: string[] = [];
  const values = tf.tidy(() => {
    const { loss, metrics } = output();
    const all: Record<string, Tensor> = { loss, ...metrics };
    names.push(...Object.keys(all));
    return tf.stack(Object.values(all).map((value) => value.reshape([])));
  });
  const numbers = await values.data();
  values.dispose();
  return Object.fromEntries(names.map((name, i) => [name, numbers[i]!]));
}
