/** The gated short convolution between its projections, by ONNX Runtime's operators in float32. */
import type { ShortConvLayer } from '../../model/spec.js';
import type { Value } from '../onnx/graph-builder.js';
import { fromFloat, type GraphContext, inFloat, integers } from './context.js';
import { convolution } from './convolution.js';
import { BATCH_SHAPE } from './names.js';

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
