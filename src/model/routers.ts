/**
 * The routers of experts in one pass over a batch. Where the tokens of a layer go is found once, whoever computes the
 * layer again: the host waits for it, and a layer that is computed again goes the way it went before.
 */
import { type Tensor, tf } from '../tensor/index.js';
import { type Routing, routed } from './routing.js';
import type { ExpertsSpec } from './spec.js';

export class Routers {
  private readonly experts: ExpertsSpec;
  private readonly routings = new Map<number, Routing>();

  constructor(experts: ExpertsSpec) {
    this.experts = experts;
  }

  /** @param logits Of the layer's router, `[T, count]` float32 @returns Valid until `dispose` */
  routing(layer: number, logits: Tensor): Routing {
    const known = this.routings.get(layer);
    if (known !== undefined) return known;
    const found = routed(logits, this.experts);
    this.routings.set(layer, found);
    return found;
  }

  dispose(): void {
    tf.dispose([...this.routings.values()] as never);
    this.routings.clear();
  }
}
