/**
 * The gated delta rule of a layer between its projections, by ONNX Runtime's operators in float32. A row's state is
 * what its real tokens leave: padding on the right neither decays nor corrects it.
 */
import { DELTA_LENGTH_EPS, type GatedDeltaLayer } from '../../model/spec.js';
import { deltaWeights, deltaWidths } from '../../model/spec-modules.js';
import { sum } from '../../util/numbers.js';
import { toFloat32 } from '../../weights/index.js';
import type { Value } from '../onnx/graph-builder.js';
import { ELEMENT_TYPES } from '../onnx/schema.js';
import {
  batched,
  fromFloat,
  type GraphContext,
  inFloat,
  inRows,
  integers,
  split,
} from './context.js';
import { convolution } from './convolution.js';
import { BATCH_SHAPE, pastRecurrent, presentRecurrent, STATE_ROWS } from './names.js';
import { tensorWeight } from './weight-source.js';

/**
 * @param inputs Queries, keys and values, z, b and a side by side, [B·S, …]
 * @returns [B·S, valueHeads · valueDim]
 */
export function gatedDelta(
  context: GraphContext,
  inputs: Value,
  layer: number,
  mixer: GatedDeltaLayer,
): Value {
  const { graph, spec } = context;
  const { keyHeads, valueHeads, keyDim, valueDim } = mixer;
  const widths = deltaWidths(mixer);
  const [, , values] = widths;
  const columns = [sum(widths), values, valueHeads, valueHeads];
  const [qkv, z, b, a] = split(context, inFloat(context, inputs), columns);
  const mixed = silu(context, convolution(context, batched(context, qkv!), layer, mixer));
  const [q, k, v] = split(context, mixed, widths);
  const [decay, rate] = gates(context, { a: a!, b: b! }, layer, mixer);
  const shape = ['B', valueHeads, keyDim, valueDim];
  const state = graph.input(pastRecurrent(layer), 'float32', shape);
  const read = graph.node(
    'LinearAttention',
    [unit(context, q!, keyDim), unit(context, k!, keyDim), v!, state, decay, rate],
    {
      contrib: true,
      attributes: { update_rule: 'gated_delta', q_num_heads: keyHeads, kv_num_heads: valueHeads },
      outputs: [`delta.${layer}`, presentRecurrent(layer)],
    },
  );
  graph.output(presentRecurrent(layer), 'float32', shape);
  const { norm } = deltaWeights(layer);
  graph.weight(norm, tensorWeight(context.source, norm, [valueDim]));
  const normed = rms(context, inRows(context, read, valueDim), norm, spec.normEps);
  const gated = graph.node('Mul', [normed, silu(context, inRows(context, z!, valueDim))]);
  return fromFloat(context, inRows(context, gated, values));
}

/** Logarithms of the decays, and rates of correction, [B, S, valueHeads]; zeros for padding. */
function gates(
  context: GraphContext,
  { a, b }: { readonly a: Value; readonly b: Value },
  layer: number,
  { valueHeads }: GatedDeltaLayer,
): [Value, Value] {
  const { graph, source } = context;
  const { aLog, dtBias } = deltaWeights(layer);
  graph.weight(dtBias, tensorWeight(source, dtBias, [valueHeads]));
  const write = (target: Uint8Array) => {
    const rates = toFloat32(source(aLog)).map((value) => -Math.exp(value));
    target.set(new Uint8Array(rates.buffer));
  };
  graph.weight(aLog, { type: 'float32', shape: [valueHeads], write });
  const decay = graph.node('Mul', [graph.node('Softplus', [graph.node('Add', [a, dtBias])]), aLog]);
  const real = realTokens(context);
  return [decay, graph.node('Sigmoid', [b])].map((x) =>
    graph.node('Mul', [batched(context, x), real]),
  ) as [Value, Value];
}

/** [B, S, 1]: 1 for a row's own tokens of this run, 0 for padding. */
function realTokens(context: GraphContext): Value {
  const { graph } = context;
  const name = 'real_tokens';
  if (graph.has(name)) return name;
  // The first place that stays, of those that were there and those of this run, is the number of real tokens.
  const bounds = [[0], [1], [1]].map((values) => integers(context, values));
  const lengths = graph.node('Slice', [STATE_ROWS, ...bounds]);
  const scalars = [0n, 1n].map((value) =>
    graph.constant(`places.${value}`, BigInt64Array.of(value), []),
  ) as [Value, Value];
  const size = graph.node('Gather', [BATCH_SHAPE, scalars[1]]);
  const places = graph.node('Range', [scalars[0], size, scalars[1]]);
  const column = graph.node('Reshape', [places, integers(context, [1, -1, 1])]);
  const isReal = graph.node('Less', [column, lengths]);
  return graph.node('Cast', [isReal], {
    attributes: { to: ELEMENT_TYPES.float32 },
    outputs: [name],
  });
}

/** Each head by its length: RMSNorm whose weight is 1/√dim. @param x [B, S, heads · dim] */
function unit(context: GraphContext, x: Value, dim: number): Value {
  const { graph } = context;
  const weight = `unit.${dim}`;
  if (!graph.has(weight)) {
    graph.constant(weight, new Float32Array(dim).fill(dim ** -0.5), [dim]);
  }
  const heads = rms(context, inRows(context, x, dim), weight, DELTA_LENGTH_EPS / dim);
  return batched(context, heads);
}

const rms = ({ graph }: GraphContext, x: Value, weight: Value, epsilon: number): Value =>
  graph.node('SimplifiedLayerNormalization', [x, weight], { attributes: { axis: -1, epsilon } });

const silu = ({ graph }: GraphContext, x: Value): Value =>
  graph.node('QuickGelu', [x], { contrib: true, attributes: { alpha: 1 } });
