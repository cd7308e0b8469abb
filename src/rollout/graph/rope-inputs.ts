/** The tables of a layer's rotary embedding as constants of the graph, and what attention has to know besides. */
import { attentionLayer } from '../../model/spec.js';
import { ropeTables } from '../../util/rope-tables.js';
import type { Attributes, Value } from '../onnx/graph-builder.js';
import { ELEMENT_TYPES } from '../onnx/schema.js';
import { addConstant, type GraphContext, integers } from './context.js';
import { BATCH_SHAPE, SEQLENS_K } from './names.js';

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

/** Of an operator that only rotates, in a layer with positions. */
export function rotationAttributes({ spec }: GraphContext, layer: number): Attributes {
  const { rotaryDim, rotatesNeighbours } = spec.ropes[attentionLayer(spec, layer).rope!]!;
  return { rotary_embedding_dim: rotaryDim, interleaved: rotatesNeighbours ? 1 : 0 };
}

/**
 * Positions of the tokens of this run, int64 [B, S]: those before them in their row are its length less S, and none in a
 * row that begins and is padded.
 */
export function positions(context: GraphContext): Value {
  const { graph } = context;
  const name = 'positions';
  if (graph.has(name)) return name;
  const [zero, one] = [0n, 1n].map((value) =>
    graph.constant(`integer.${value}`, BigInt64Array.of(value), []),
  );
  const tokens = graph.node('Gather', [BATCH_SHAPE, one!]);
  const last = graph.node('Cast', [SEQLENS_K], { attributes: { to: ELEMENT_TYPES.int64 } });
  const before = graph.node('Max', [
    graph.node('Sub', [graph.node('Add', [last, one!]), tokens]),
    zero!,
  ]);
  const each = graph.node('Range', [zero!, tokens, one!]);
  const rows = graph.node('Unsqueeze', [before, integers(context, [1])]);
  return graph.node('Add', [rows, each], { outputs: [name] });
}
