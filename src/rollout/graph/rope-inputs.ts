/** The tables of a layer's rotary embedding as constants of the graph, and what attention has to know besides. */
import { attentionLayer } from '../../model/spec.js';
import { ropeTables } from '../../util/rope-tables.js';
import type { Attributes, Value } from '../onnx/graph-builder.js';
import { addConstant, type GraphContext } from './context.js';

/** Cosines and sines; none for a layer without positions. */
export function ropeInputs(context: GraphContext, layer: number): Value[] {
  const { graph, spec, maxContext } = context;
  const index = attentionLayer(spec, layer).rope;
  if (index === null) return [];
  const names = [`rope.${index}.cos`, `rope.${index}.sin`];
  if (!graph.has(names[0]!)) {
    // One more than the longest row, for padding to an even length.
    const { cos, sin, shape } = ropeTables(spec.ropes[index]!, maxContext + 1);
    addConstant(context, names[0]!, cos, shape);
    addConstant(context, names[1]!, sin, shape);
  }
  return names;
}

export function ropeAttributes({ spec }: GraphContext, layer: number): Attributes {
  const index = attentionLayer(spec, layer).rope;
  if (index === null || !spec.ropes[index]!.rotatesNeighbours) return {};
  return { rotary_interleaved: 1 };
}
