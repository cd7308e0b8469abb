/**
 * The gated feed-forward block (Shazeer 2020, GLU Variants): `down(act(gate x) ⊙ up x)`; without a gate of its own
 * `down(act(up x) ⊙ up x)` or `down(act(up x))`.
 */
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
  const gating = gate === null ? null : project(context, x, gate);
  return gatedBy(context, project(context, x, up), gating);
}

/** @param gating Before its activation; null: `up` itself, where it is gated at all */
export function gatedBy(context: GraphContext, up: Value, gating: Value | null): Value {
  const gate = activate(context, gating ?? up, context.spec.activation);
  if (context.spec.mlpGate === 'none') return gate;
  return context.graph.node('Mul', [gate, up]);
}

function activate({ graph }: GraphContext, x: Value, activation: Activation): Value {
  switch (activation) {
    case 'silu':
      return graph.node('QuickGelu', [x], { contrib: true, attributes: { alpha: 1 } });
    case 'gelu_tanh':
      return graph.node('FastGelu', [x], { contrib: true });
    case 'gelu':
      return graph.node('Gelu', [x], { contrib: true });
    case 'relu':
      return graph.node('Relu', [x]);
    case 'clamped_silu':
      throw new Error('clamped_silu is an activation of experts');
  }
}
