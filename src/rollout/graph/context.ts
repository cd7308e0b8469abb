/** What every part of the decoder graph is built from, and the small operators that several parts share. */
import type { DecoderSpec } from '../../model/spec.js';
import { normBias } from '../../model/spec-modules.js';
import type { GraphBuilder, Value } from '../onnx/graph-builder.js';
import { ELEMENT_TYPES } from '../onnx/schema.js';
import { type ComputeElement, inType } from './element-type.js';
import { BATCH_SHAPE } from './names.js';
import type { NativeKernels } from './native-layout.js';
import type { Projection } from './projections.js';
import { tensorWeight, type Weight, type WeightSource } from './weight-source.js';

export interface GraphContext {
  readonly graph: GraphBuilder;
  readonly spec: DecoderSpec;
  readonly source: WeightSource;
  /** Modules whose projections get LoRA inputs. */
  readonly loraModules: ReadonlySet<string>;
  /** Longest row: prompt and completion. */
  readonly maxContext: number;
  /** Our own operators, or null for ONNX Runtime's. */
  readonly native: NativeKernels | null;
  /** Element type of weights, activations and cache with ONNX Runtime's operators. */
  readonly type: ComputeElement;
}

/** A float32 weight in the element type of the graph. */
export const addWeight = ({ graph, type }: GraphContext, name: string, weight: Weight): Value =>
  graph.weight(name, inType(weight, type));

/** A small constant in the element type of the graph. */
export function addConstant(
  context: GraphContext,
  name: string,
  values: Float32Array,
  shape: readonly number[],
): Value {
  if (context.type === 'float32') return context.graph.constant(name, values, shape);
  const write = (target: Uint8Array) => target.set(new Uint8Array(values.buffer));
  return addWeight(context, name, { type: 'float32', shape, write });
}

function cast({ graph, type }: GraphContext, x: Value, to: ComputeElement): Value {
  if (type === 'float32') return x;
  return graph.node('Cast', [x], { attributes: { to: ELEMENT_TYPES[to] } });
}

/** A float32 value in the element type of the graph. */
export const fromFloat = (context: GraphContext, x: Value): Value => cast(context, x, context.type);

/** A value of the graph in float32. */
export const inFloat = (context: GraphContext, x: Value): Value => cast(context, x, 'float32');

/** A scalar constant, made once per value. */
function scalar(context: GraphContext, value: number): Value {
  const name = context.type === 'float32' ? `scalar.${value}` : `scalar.${context.type}.${value}`;
  return context.graph.has(name) ? name : addConstant(context, name, Float32Array.of(value), []);
}

/** A constant of whole numbers, made once per list. */
export function integers({ graph }: GraphContext, values: readonly number[]): Value {
  const name = `integers.${values.join('.')}`;
  if (graph.has(name)) return name;
  return graph.constant(name, BigInt64Array.from(values, BigInt), [values.length]);
}

/** Anything as [B, S, *]. */
export const batched = ({ graph }: GraphContext, x: Value): Value =>
  graph.node('Reshape', [x, BATCH_SHAPE]);

/** Anything as [*, length]. */
export const inRows = (context: GraphContext, x: Value, length: number): Value =>
  context.graph.node('Reshape', [x, integers(context, [-1, length])]);

/** Parts of these widths along the last axis. */
export function split(context: GraphContext, x: Value, widths: readonly number[]): Value[] {
  const outputs = widths.map((_, i) => `${x}.part.${i}`);
  const inputs = [x, integers(context, widths)];
  context.graph.node('Split', inputs, { attributes: { axis: -1 }, outputs });
  return outputs;
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

/** RMSNorm (Zhang & Sennrich 2019), or LayerNorm where norms are centred, over the last axis, of size `length`. */
export function modelNorm(context: GraphContext, x: Value, name: string, length: number): Value {
  const { graph, spec, source } = context;
  if (!graph.has(name)) {
    addWeight(context, name, tensorWeight(source, name, [length], spec.normOffset));
  }
  const kind = `${spec.centredNorms ? '' : 'Simplified'}LayerNormalization`;
  return graph.node(kind, [x, name, ...shift(context, name, length)], {
    attributes: { axis: -1, epsilon: spec.normEps },
  });
}

/** The bias of a norm, where it has one. */
function shift(context: GraphContext, norm: string, length: number): Value[] {
  if (!context.spec.normBias) return [];
  const name = normBias(norm);
  if (context.graph.has(name)) return [name];
  return [addWeight(context, name, tensorWeight(context.source, name, [length]))];
}

/** Whether LoRA inputs exist for the projection. */
export function isAdaptable({ loraModules }: GraphContext, { parts }: Projection): boolean {
  return parts.some(({ module }) => loraModules.has(module));
}
