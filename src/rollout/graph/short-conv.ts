/**
 * The gated short convolution between its projections, by ONNX Runtime's operators in float32. The last inputs of a
 * row stay as its state; those of a row that begins are zeros, whatever the state holds. Where a run is padded on
 * the right, `STATE_ROWS` points at the last inputs of real tokens.
 */

import type { ShortConvLayer } from '../../model/spec.js';
import { convWeights } from '../../model/spec-modules.js';
import { toFloat32 } from '../../weights/index.js';
import type { Value } from '../onnx/graph-builder.js';
import { keptInputs } from './cache-tensors.js';
import { fromFloat, type GraphContext, inFloat } from './context.js';
import { BATCH_SHAPE, pastState, presentState, STARTED, STATE_ROWS } from './names.js';
import { tensorWeight } from './weight-source.js';

/**
 * @param bcx b, c and x side by side, [B·S, 3 · hidden]
 * @returns c ⊙ conv(b ⊙ x), [B·S, hidden]
 */
export function shortConvolution(
  context: GraphContext,
  bcx: Value,
  layer: number,
  mixer: ShortConvLayer,
): Value {
  const { graph, spec } = context;
  const parts = ['b', 'c', 'x'].map((name) => `conv.${layer}.${name}`);
  const split = { attributes: { axis: -1, num_outputs: 3 }, outputs: parts };
  graph.node('Split', [inFloat(context, bcx)], split);
  const [b, c, x] = parts as [Value, Value, Value];
  const inputs = graph.node('Reshape', [graph.node('Mul', [b, x]), BATCH_SHAPE]);
  const mixed = convolution(context, inputs, layer, mixer);
  const flat = graph.node('Reshape', [mixed, integers(context, [-1, spec.hiddenSize])]);
  return fromFloat(context, graph.node('Mul', [c, flat]));
}

/** @param inputs [B, S, hidden] @returns the same shape */
function convolution(
  context: GraphContext,
  inputs: Value,
  layer: number,
  mixer: ShortConvLayer,
): Value {
  const { graph, spec, source } = context;
  const kept = keptInputs(mixer);
  const shape = ['B', kept, spec.hiddenSize];
  const state = graph.input(pastState(layer), 'float32', shape);
  const before = graph.node('Where', [isStarted(context), state, zero(context)]);
  const all = graph.node('Concat', [before, inputs], { attributes: { axis: 1 } });
  const present = { attributes: { batch_dims: 1 }, outputs: [presentState(layer)] };
  graph.output(graph.node('GatherND', [all, STATE_ROWS], present), 'float32', shape);
  const { bias } = convWeights(layer, mixer);
  const terms = Array.from({ length: mixer.taps }, (_, tap) => {
    const seen = tap === kept ? inputs : fromTap(context, all, tap, kept);
    return graph.node('Mul', [seen, tapWeight(context, layer, mixer, tap)]);
  });
  if (bias !== null) {
    terms.push(graph.weight(bias, tensorWeight(source, bias, [spec.hiddenSize])));
  }
  return terms.reduce((sum, term) => graph.node('Add', [sum, term]));
}

/** S inputs, from the tap's distance behind each token on. */
function fromTap(context: GraphContext, all: Value, tap: number, kept: number): Value {
  const bounds = [[tap], [tap - kept], [1]].map((values) => integers(context, values));
  return context.graph.node('Slice', [all, ...bounds]);
}

/** What a channel's input is multiplied by at one distance, [hidden]. */
function tapWeight(
  { graph, spec, source }: GraphContext,
  layer: number,
  mixer: ShortConvLayer,
  tap: number,
): Value {
  const { kernel } = convWeights(layer, mixer);
  const write = (target: Uint8Array) => {
    const values = toFloat32(source(kernel)).filter((_, i) => i % mixer.taps === tap);
    target.set(new Uint8Array(values.buffer));
  };
  return graph.weight(`${kernel}.${tap}`, { type: 'float32', shape: [spec.hiddenSize], write });
}

/** [B, 1, 1], whether a row has tokens before this run. */
function isStarted({ graph }: GraphContext): Value {
  const name = 'is_started';
  if (graph.has(name)) return name;
  const half = graph.constant('scalar.half', Float32Array.of(0.5), []);
  return graph.node('Greater', [STARTED, half], { outputs: [name] });
}

function zero({ graph }: GraphContext): Value {
  const name = 'scalar.nothing';
  return graph.has(name) ? name : graph.constant(name, Float32Array.of(0), []);
}

function integers({ graph }: GraphContext, values: readonly number[]): Value {
  const name = `integers.${values.join('.')}`;
  if (graph.has(name)) return name;
  return graph.constant(name, BigInt64Array.from(values, BigInt), [values.length]);
}
