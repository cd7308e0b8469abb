/** Experts in place of a layer's MLP, on the tape in float32. */
import {
  gatedActivation,
  gather,
  type LoraBranch,
  linear,
  type Tensor,
  tf,
} from '../tensor/index.js';
import type { ParameterSource } from './layer.js';
import type { Routers } from './routers.js';
import { routingWeights } from './routing.js';
import type { DecoderSpec } from './spec.js';
import { biasOf, type ExpertParameter, expertParameters, expertWeights } from './spec-experts.js';

interface LayerRouters {
  readonly spec: DecoderSpec;
  readonly layer: number;
  readonly routers: Routers;
}

/** @param x `[T, H]` @returns `[T, H]` */
export function mixtureOfExperts(
  x: Tensor,
  source: Pick<ParameterSource, 'get' | 'trainable' | 'lora'>,
  { spec, layer, routers }: LayerRouters,
): Tensor {
  const { activation, hiddenSize } = spec;
  const chosen = spec.experts!;
  const { router, experts } = expertWeights(spec, layer);
  const [inner, outer] = expertParameters(spec, layer);
  const [inward, outward] = [
    partsOf(source.lora(inner.module), inner, 2),
    partsOf(source.lora(outer.module), outer, 1),
  ];
  const product = (input: Tensor, name: string, lora: LoraBranch | null = null): Tensor => {
    const bias = chosen.biased ? source.get(biasOf(name)) : null;
    return linear(input, () => source.get(name), { bias, lora, trainable: source.trainable(name) });
  };
  const logits = routers.onTape(product(x, router));
  const routing = routers.routing(layer, logits);
  const rows = gather(x, routing.tokens);
  // An expert without tokens has its product too: its gradient, zeros, is asked for.
  const parts = tf.split(rows, routing.counts as number[], 0).map((part, expert) => {
    const { gate, up, down } = experts[expert]!;
    const [ofGate, ofUp] = inward.slice(2 * expert, 2 * expert + 2);
    const sides = [product(part, gate, ofGate), product(part, up, ofUp)] as const;
    return product(gatedActivation(...sides, activation), down, outward[expert]);
  });
  const results = gather(tf.concat(parts, 0), routing.rows);
  const weights = routingWeights(logits, routing, chosen).reshape([-1, chosen.perToken, 1]);
  return results.reshape([-1, chosen.perToken, hiddenSize]).mul(weights).sum(1);
}

/** LoRA of each expert, of so many matrices each, one below the other; empty where there is none (see weights/expert-lora.ts). */
function partsOf(
  lora: LoraBranch | null,
  { count, outFeatures, inTurns }: ExpertParameter,
  matrices: 1 | 2,
): LoraBranch[] {
  if (lora === null) return [];
  const as = tf.split(lora.a, count, 0);
  const rows = (inTurns ? turnsApart(lora.b) : lora.b).reshape([-1, count]).transpose();
  const bs = tf.split(rows.reshape([count * outFeatures, -1]), matrices * count, 0);
  return bs.map((b, i) => ({ ...lora, a: as[Math.floor(i / matrices)]!, b }));
}

/** Rows of gate and up in turns, those of all gates first. @param b `[2·I, R]` */
function turnsApart(b: Tensor): Tensor {
  const [rows, columns] = b.shape as [number, number];
  return tf.concat(tf.split(b.reshape([rows / 2, 2 * columns]), 2, 1), 0);
}
