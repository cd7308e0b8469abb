/** Tokens as rows, those of one expert together, and the way back. */
import { joined, parted, rowsAt, type Tensor, tf } from '../../tensor/index.js';
import { type Routing, routingWeights } from '../routing.js';
import type { ExpertsSpec } from '../spec.js';
import type { FusedContext } from './fused-source.js';

export class ExpertRows {
  private readonly routing: Routing;
  private readonly experts: ExpertsSpec;
  private readonly compute: FusedContext['compute'];

  constructor({ spec, compute }: FusedContext, routing: Routing) {
    this.routing = routing;
    this.experts = spec.experts!;
    this.compute = compute;
  }

  /** Of experts in order, those that have rows. */
  present<T>(experts: readonly T[]): T[] {
    return experts.filter((_, expert) => this.routing.counts[expert]! > 0);
  }

  /** One thing for each expert, of those of present ones; null where it has no rows. */
  ofAll<T>(ofPresent: readonly T[]): (T | null)[] {
    const left = [...ofPresent];
    return this.routing.counts.map((count) => (count > 0 ? left.shift()! : null));
  }

  /** @param x `[T, H]` in the compute type @returns Rows of each present expert */
  inputs(x: Tensor): Tensor[] {
    return this.apart(rowsAt(x, this.routing.tokens, this.compute));
  }

  /** Of all rows, those of each present expert. */
  apart(rows: Tensor): Tensor[] {
    const sizes = this.present(this.routing.counts);
    return parted(rows, sizes, 0);
  }

  /** What each row counts, `[rows, 1]` float32, of each present expert. */
  weights(logits: Tensor): Tensor[] {
    const weights = routingWeights(logits, this.routing, this.experts).reshape([-1, 1]);
    return this.apart(rowsAt(weights, this.routing.order, 'float32'));
  }

  /** Float32 rows of present experts by token and place, `[T, perToken, …]`; they themselves are let go. */
  byToken(rows: readonly Tensor[]): Tensor {
    const all = stacked(rows);
    const { perToken } = this.experts;
    return rowsAt(all, this.routing.rows, 'float32').reshape([-1, perToken, all.shape[1]!]);
  }
}

/** Rows of experts, one below the other, as one tensor; they themselves are let go. */
export function stacked(rows: readonly Tensor[]): Tensor {
  const all = joined(rows, 0);
  if (rows.length > 1) tf.dispose(rows as Tensor[]);
  return all;
}
