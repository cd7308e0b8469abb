/** What every part of the decoder graph is built from, and the small operators that several parts share. */
import type { DecoderSpec } from '../../model/spec.js';
import type { GraphBuilder, Value } from '../onnx/graph-builder.js';
import { loraA, loraB } from './names.js';
import type { Projection } from './projections.js';
import { stackedBias, stackedWeight, tensorWeight, type WeightSource } from './weight-source.js';

export interface GraphContext {
  readonly graph: GraphBuilder;
  readonly spec: DecoderSpec;
  readonly source: WeightSource;
  /** Modules whose projections get LoRA inputs. */
  readonly loraModules: ReadonlySet<string>;
  /** Longest row: prompt and completion. */
  readonly maxContext: number;
}

/** A scalar constant, made once per value. */
export function scalar({ graph }: GraphContext, value: number): Value {
  const name = `scalar.${value}`;
  return graph.has(name) ? name : graph.constant(name, Float32Array.of(value), []);
}

/** `x · factor`; nothing is added to the graph for a factor of 1. */
export function scaled(context: GraphContext, x: Value, factor: number): Value {
  return factor === 1 ? x : context.graph.node('Mul', [x, scalar(context, factor)]);
}

/** `cap · tanh(x / cap)`, or `x` itself without a cap. */
export function softCapped(context: GraphContext, x: Value, cap: number | null): Value {
  if (cap === null) return x;
  const squashed = context.graph.node('Tanh', [scaled(context, x, 1 / cap)]);
  return scaled(context, squashed, cap);
}

/** RMSNorm (Zhang & Sennrich 2019) over the last axis, of size `length`. */
export function rmsNorm(context: GraphContext, x: Value, name: string, length: number): Value {
  const { graph, spec, source } = context;
  graph.weight(name, tensorWeight(source, name, [length], spec.normOffset));
  return graph.node('SimplifiedLayerNormalization', [x, name], {
    attributes: { axis: -1, epsilon: spec.normEps },
  });
}

/** `x Wᵀ (+ addend)` for W [out, in], the layout of checkpoints. */
function linear({ graph }: GraphContext, x: Value, weight: Value, addend?: Value): Value {
  const inputs = addend === undefined ? [x, weight] : [x, weight, addend];
  return graph.node('Gemm', inputs, { attributes: { transB: 1 } });
}

/** Whether LoRA inputs exist for the projection. */
export function isAdaptable({ loraModules }: GraphContext, { parts }: Projection): boolean {
  return parts.some(({ module }) => loraModules.has(module));
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
  const { graph, source } = context;
  const { name, parts, inFeatures, outFeatures } = projection;
  const weight = graph.weight(`${name}.weight`, stackedWeight(source, parts, inFeatures));
  const hasBias = parts.some(({ bias }) => bias);
  const addends = addend === undefined ? [] : [addend];
  if (hasBias) addends.unshift(graph.weight(`${name}.bias`, stackedBias(source, parts)));
  let y = linear(context, x, weight, addends.shift());
  if (isAdaptable(context, projection)) {
    const rank = `rank.${name}`;
    const a = graph.input(loraA(name), 'float32', [rank, inFeatures]);
    const b = graph.input(loraB(name), 'float32', [outFeatures, rank]);
    y = linear(context, linear(context, x, a), b, y);
  }
  for (const rest of addends) y = graph.node('Add', [y, rest]);
  return y;
}
