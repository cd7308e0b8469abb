/** Experts in place of a layer's MLP, on the tape in float32. */
import { gatedActivation, gather, linear, type Tensor, tf } from '../tensor/index.js';
import type { ParameterSource } from './layer.js';
import type { Routers } from './routers.js';
import { routingWeights } from './routing.js';
import type { DecoderSpec } from './spec.js';
import { expertWeights } from './spec-modules.js';

interface LayerRouters {
  readonly spec: DecoderSpec;
  readonly layer: number;
  readonly routers: Routers;
}

/** @param x `[T, H]` @returns `[T, H]` */
export function mixtureOfExperts(
  x: Tensor,
  source: Pick<ParameterSource, 'get' | 'trainable'>,
  { spec, layer, routers }: LayerRouters,
): Tensor {
  const { activation, hiddenSize } = spec;
  const chosen = spec.experts!;
  const { router, experts } = expertWeights(spec, layer);
  const product = (input: Tensor, name: string): Tensor =>
    linear(input, () => source.get(name), {
      bias: null,
      lora: null,
      trainable: source.trainable(name),
    });
  const logits = routers.onTape(product(x, router));
  const routing = routers.routing(layer, logits);
  const rows = gather(x, routing.tokens);
  // An expert without tokens has its product too: its gradient, zeros, is asked for.
  const parts = tf.split(rows, routing.counts as number[], 0).map((part, expert) => {
    const { gate, up, down } = experts[expert]!;
    return product(gatedActivation(product(part, gate), product(part, up), activation), down);
  });
  const results = gather(tf.concat(parts, 0), routing.rows);
  const weights = routingWeights(logits, routing, chosen).reshape([-1, chosen.perToken, 1]);
  return results.reshape([-1, chosen.perToken, hiddenSize]).mul(weights).sum(1);
}
