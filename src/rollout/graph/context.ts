/** What every part of the decoder graph is built from, and the small operators that several parts share. */
import type { DecoderSpec } from '../../model/spec.js';
import type { GraphBuilder, Value } from '../onnx/graph-builder.js';
import type { NativeKernels } from './native-layout.js';
import type { Projection } from './projections.js';
import { tensorWeight, type WeightSource } from './weight-source.js';

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

/** Whether LoRA inputs exist for the projection. */
export function isAdaptable({ loraModules }: GraphContext, { parts }: Projection): boolean {
  return parts.some(({ module }) => loraModules.has(module));
}
