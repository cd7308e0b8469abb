/** The gated feed-forward block (Shazeer 2020, GLU Variants): `down(act(gate x) ⊙ up x)`. */
import type { Activation } from '../../model/spec.js';
import type { Value } from '../onnx/graph-builder.js';
import type { GraphContext } from './context.js';
import { project } from './linear.js';
import type { LayerProjections } from './projections.js';

/** @param x [T, hidden]; the result is before the down projection, [T, intermediate] */
export function gatedActivation(
  context: GraphContext,
  x: Value,
  { gate, up }: NonNullable<LayerProjections['mlp']>,
): Value {
  const gated = activate(context, project(context, x, gate), context.spec.activation);
  return context.graph.node('Mul', [gated, project(context, x, up)]);
}

function activate({ graph }: GraphContext, x: Value, activation: Activation): Value {
  switch (activation) {
    case 'silu':
      return graph.node('QuickGelu', [x], { contrib: true, attributes: { alpha: 1 } });
    case 'gelu_tanh':
      return graph.node('FastGelu', [x], { contrib: true });
    case 'gelu':
      return graph.node('Gelu', [x], { contrib: true });
  }
}
