/**
 * The routers of experts in one pass over a batch. Where the tokens of a layer go is found once, whoever computes the
 * layer again: the host waits for it, and a layer that is computed again goes the way it went before.
 *
 * A loss may go by how they spread the tokens of all layers together. Its gradient to the sums of their probabilities is
 * known when the forward pass has ended, and is the same for all layers, each of which then adds it to that of its logits.
 */
import { stopGradient, type Tensor, tf, withGradient } from '../tensor/index.js';
import { type Routing, routed } from './routing.js';
import type { ExpertsSpec } from './spec.js';
import { sequencesThrough, type TokenBatch } from './token-batch.js';

/** How tokens were spread, those of all layers together; a token counts once for each sequence that it is in. */
export interface RouterUse {
  /** How often each expert was chosen. */
  readonly counts: readonly number[];
  /** Σ of the probabilities of each expert, `[count]` float32 */
  readonly probabilities: Tensor;
  /** Tokens times layers. */
  readonly rows: number;
}

/** A loss on how the routers of a micro-batch spread its tokens, with metrics as scalars. */
export type RouterLoss = (use: RouterUse) => {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
};

export class Routers {
  private readonly experts: ExpertsSpec;
  private readonly routings = new Map<number, Routing>();
  /** Sequences that each token is in, `[T, 1]` and on the host; null where nothing is counted. */
  private readonly weights: { readonly column: Tensor; readonly values: Float32Array } | null;
  private readonly counts: number[];
  private readonly sums: Tensor[] = [];
  private slopes: Tensor | null = null;

  /** @param batch Null: nothing is counted */
  constructor(experts: ExpertsSpec, batch: TokenBatch | null) {
    this.experts = experts;
    this.counts = new Array<number>(experts.count).fill(0);
    const values = batch && sequencesThrough(batch.runs);
    this.weights = values && { values, column: tf.keep(tf.tensor2d(values, [values.length, 1])) };
  }

  /** @param logits Of the layer's router, `[T, count]` float32 @returns Valid until `dispose` */
  routing(layer: number, logits: Tensor): Routing {
    const known = this.routings.get(layer);
    if (known !== undefined) return known;
    const found = routed(logits, this.experts);
    this.routings.set(layer, found);
    this.count(logits, found);
    return found;
  }

  private count(logits: Tensor, { chosen }: Routing): void {
    if (this.weights === null) return;
    const { values, column } = this.weights;
    for (const [place, expert] of chosen.entries()) {
      this.counts[expert]! += values[Math.floor(place / this.experts.perToken)]!;
    }
    const sumOf = (x: Tensor) => tf.softmax(x).mul(column).sum(0) as Tensor;
    this.sums.push(tf.keep(stopGradient(logits, sumOf)));
  }

  /** Of the layers that were computed. */
  use(): RouterUse {
    const tokens = this.weights!.values.reduce((sum, weight) => sum + weight, 0);
    const probabilities = tf.addN(this.sums);
    return { counts: this.counts, probabilities, rows: tokens * this.sums.length };
  }

  /** The loss on their use; its gradient is that of `slopesOf` from now on. */
  settle(lossOf: RouterLoss): ReturnType<RouterLoss> {
    const use = this.use();
    const slopes = tf.grad((probabilities) => lossOf({ ...use, probabilities }).loss);
    this.slopes = tf.keep(slopes(use.probabilities));
    return lossOf(use);
  }

  /**
   * The gradient of that loss to a layer's logits, `[T, count]`: with p their softmax and s the gradient to its sum, that of a
   * token in w sequences is w · p ⊙ (s − Σ p·s). Null where there is no such loss.
   */
  slopesOf(logits: Tensor): Tensor | null {
    const { slopes, weights } = this;
    if (slopes === null) return null;
    return tf.tidy(() => {
      const p = tf.softmax(logits);
      return p.mul(slopes.sub(p.mul(slopes).sum(1, true))).mul(weights!.column);
    });
  }

  /** The same logits, whose gradient on the tape has that part. */
  onTape(logits: Tensor): Tensor {
    if (this.weights === null) return logits;
    return withGradient([logits], {
      value: (x) => x.clone(),
      gradient: (dy, x) => {
        const slopes = this.slopesOf(x);
        return slopes === null ? dy : dy.add(slopes);
      },
    });
  }

  dispose(): void {
    for (const { chosen: _, ...routing } of this.routings.values()) tf.dispose(routing as never);
    this.routings.clear();
    tf.dispose([...this.sums, this.slopes, this.weights?.column] as never);
  }
}
