/** The linear maps of the decoder, with their adapters. */
import type { Value } from '../onnx/graph-builder.js';
import { addWeight, fromFloat, type GraphContext, isAdaptable } from './context.js';
import { loraA, loraB } from './names.js';
import { nativeLinear } from './native.js';
import type { Projection } from './projections.js';
import { stackedBias, stackedWeight } from './weight-source.js';

/** `x Wᵀ (+ addend)` for W [out, in], the layout of checkpoints. */
function linear({ graph }: GraphContext, x: Value, weight: Value, addend?: Value): Value {
  const inputs = addend === undefined ? [x, weight] : [x, weight, addend];
  return graph.node('Gemm', inputs, { attributes: { transB: 1 } });
}

/**
 * `x Wᵀ + bias (+ addend)`, and `(x Aᵀ) Bᵀ` on top where the projection takes an adapter. Sums go through
 * the additive input of `Gemm`, which costs no further operator.
 * @param x [T, in]
 * @param addend [T, out]
 */
export function project(
  context: GraphContext,
  x: Value,
  projection: Projection,
  addend?: Value,
): Value {
  if (context.native !== null) {
    return nativeLinear(context, x, projection, addend === undefined ? {} : { addend });
  }
  const { graph, source } = context;
  const { name, parts, inFeatures, outFeatures } = projection;
  const weight = addWeight(context, `${name}.weight`, stackedWeight(source, parts, inFeatures));
  const hasBias = parts.some(({ bias }) => bias);
  const addends = addend === undefined ? [] : [addend];
  if (hasBias) addends.unshift(addWeight(context, `${name}.bias`, stackedBias(source, parts)));
  let y = linear(context, x, weight, addends.shift());
  if (isAdaptable(context, projection)) {
    const rank = `rank.${name}`;
    const a = graph.input(loraA(name), 'float32', [rank, inFeatures]);
    const b = graph.input(loraB(name), 'float32', [outFeatures, rank]);
    const low = linear(context, x, fromFloat(context, a));
    y = linear(context, low, fromFloat(context, b), y);
  }
  for (const rest of addends) y = graph.node('Add', [y, rest]);
  return y;
}
