/**
 * Which examples an optimizer step sees: a pure function of seed and step, so that a resumed run needs no
 * cursor. Examples come in a seeded order, shuffled anew for each epoch; no example is left out.
 */
import { Rng } from '../util/rng.js';

export interface DataOrderOptions {
  readonly examples: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle?: boolean;
}

export class DataOrder {
  readonly examples: number;
  readonly batchSize: number;
  private readonly seed: number;
  private readonly shuffle: boolean;
  private epoch = -1;
  private order: readonly number[] = [];

  constructor({ examples, batchSize, seed, shuffle = true }: DataOrderOptions) {
    this.examples = examples;
    this.batchSize = batchSize;
    this.seed = seed;
    this.shuffle = shuffle;
  }

  /** Optimizer steps until `epochs` passes are done. */
  stepsFor(epochs: number): number {
    const steps = (this.examples * epochs) / this.batchSize;
    const near = Math.round(steps);
    // 100 rows 1.1 times are 110.00000000000001 in floating point.
    return near > 0 && Math.abs(steps - near) < 1e-9 ? near : Math.ceil(steps);
  }

  /** Example indices of a step; a batch runs over the end of an epoch into the next. */
  batch(step: number): number[] {
    const first = step * this.batchSize;
    return Array.from({ length: this.batchSize }, (_, i) => this.at(first + i));
  }

  /** Epochs done after `step` steps. */
  epochsAt(step: number): number {
    return (step * this.batchSize) / this.examples;
  }

  private at(index: number): number {
    const epoch = Math.floor(index / this.examples);
    if (epoch !== this.epoch) {
      const plain = Array.from({ length: this.examples }, (_, i) => i);
      this.order = this.shuffle ? Rng.of(this.seed, 'order', epoch).shuffle(plain) : plain;
      this.epoch = epoch;
    }
    return this.order[index % this.examples]!;
  }
}
