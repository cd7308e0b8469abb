/** The loss and its metrics on held-out examples, without a gradient. */
import type { Policy } from '../model/index.js';
import { type Tensor, tf } from '../tensor/index.js';
import type { MicroTask } from './trainer.js';

export interface HeldOut {
  /** Made for one optimizer step that holds all examples. */
  readonly tasks: readonly MicroTask[];
  /** What was computed for the tasks. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** @returns `loss` and the metrics of the loss, summed over the tasks, with those that are known. */
export async function heldOutMetrics(
  policy: Policy,
  { tasks, metrics }: HeldOut,
): Promise<Record<string, number>> {
  const totals: Record<string, number> = { ...metrics };
  for (const { batch, lossOf, temperature = 1, columns = [], meanLogits = false } of tasks) {
    const meanLogp = columns.includes('mean_logp');
    const scores = await policy.score(batch, { temperature, meanLogits, meanLogp });
    const rows = batch.targets.length;
    for (const [name, value] of await numbersOf(scores, rows, lossOf)) {
      totals[name] = (totals[name] ?? 0) + value;
    }
  }
  return totals;
}

async function numbersOf(
  scores: Float32Array,
  rows: number,
  lossOf: MicroTask['lossOf'],
): Promise<[string, number][]> {
  const names: string[] = [];
  const values = tf.tidy(() => {
    const { loss, metrics } = lossOf(tf.tensor2d(scores, [rows, scores.length / rows]));
    const all: Record<string, Tensor> = { loss, ...metrics };
    names.push(...Object.keys(all));
    return tf.stack(Object.values(all).map((value) => value.reshape([])));
  });
  const numbers = await values.data();
  values.dispose();
  return names.map((name, i) => [name, numbers[i]!]);
}
