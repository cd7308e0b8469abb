/** The gated short convolution between its projections, by ONNX Runtime's operators in float32. */
import type { ShortConvLayer } from '../../model/spec.js';
import type { Value } from '../onnx/graph-builder.js';
import { batched, fromFloat, type GraphContext, inFloat, inRows, split } from './context.js';
import { convolution } from './convolution.js';

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
  const { hiddenSize } = spec;
  const [b, c, x] = split(context, inFloat(context, bcx), [hiddenSize, hiddenSize, hiddenSize]);
  const inputs = batched(context, graph.node('Mul', [b!, x!]));
  const mixed = convolution(context, inputs, layer, mixer);
  const flat = inRows(context, mixed, hiddenSize);
  return fromFloat(context, graph.node('Mul', [c!, flat]));
}
