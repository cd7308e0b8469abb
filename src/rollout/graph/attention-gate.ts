/** Gates on attention's result, which the query projection gives behind the queries of each head. */
import type { Value } from '../onnx/graph-builder.js';
import { type GraphContext, inRows, split } from './context.js';

/** @param x [B·S, heads · 2 · headDim] @returns Queries and gates, [B·S, heads · headDim] each */
export function queriesAndGates(context: GraphContext, x: Value): [Value, Value] {
  const { numHeads, headDim } = context.spec;
  const heads = inRows(context, x, 2 * headDim);
  return split(context, heads, [headDim, headDim]).map((part) =>
    inRows(context, part, numHeads * headDim),
  ) as [Value, Value];
}

/** `attended ⊙ σ(gate)`, [B·S, heads · headDim] */
export function gated({ graph }: GraphContext, attended: Value, gate: Value): Value {
  return graph.node('Mul', [attended, graph.node('Sigmoid', [gate])]);
}
