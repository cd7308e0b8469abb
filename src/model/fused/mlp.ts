/**
 * The MLP of a layer by our own operations. The activation is computed again in the backward pass. Without a gate, what
 * is activated is gated by itself.
 */
import { castTo, kernels, type Tensor, tf } from '../../tensor/index.js';
import type { LinearGroups } from '../spec-modules.js';
import { inColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';
import {
  backwardGroup,
  type FusedLinear,
  forwardGroup,
  lowRank,
  productsOf,
} from './linear-group.js';
import type { Inner } from './sublayer.js';

export function fusedMlp(
  context: FusedContext,
  { gateUp, down }: NonNullable<LinearGroups['mlp']>,
): Inner {
  return mlpOf(context, [...context.linears(gateUp), ...context.linears([down])]);
}

/** @param linears Gate and up, or both as one, and down; without a gate up and down. */
export function mlpOf(
  context: Pick<FusedContext, 'spec' | 'compute'>,
  linears: readonly FusedLinear[],
): Inner {
  return context.spec.mlpGate === 'linear'
    ? gatedMlp(context, linears)
    : ungatedMlp(context, linears);
}

function gatedMlp(
  { spec, compute }: Pick<FusedContext, 'spec' | 'compute'>,
  linears: readonly FusedLinear[],
): Inner {
  const widths = [spec.intermediateSize, spec.intermediateSize];
  return {
    linears,
    forward(h, linears, { keeps }) {
      const lows = lowRank(h, linears, compute);
      if (linears.length === 2 && linears.every(({ bias }) => bias === null)) {
        const [gate, up] = productsOf({ x: h, lows }, linears);
        const options = { kind: spec.activation, keeps };
        const [core, ...trace] = tf.tidy(() => kernels().gatedGemm([gate!(), up!()], options));
        return { core, saved: [...trace, ...lows] };
      }
      const [gate, up] = tf.tidy(() =>
        inColumns(forwardGroup({ x: h, lows }, linears, { out: compute }), 2, widths),
      );
      const [core, ...trace] = kernels().gated(gate!, up!, spec.activation);
      return { core, saved: [...trace, ...lows] };
    },
    coreOf: (saved) => kernels().gatedAgain(saved, spec.activation),
    backward({ h, dcore, saved }, linears, output) {
      const lows = [...saved];
      const trace = lows.splice(0, kernels().gatedTrace);
      const dys = tf.tidy(() => {
        const sides = kernels().gatedGradient(trace, dcore, spec.activation);
        return inColumns(sides, linears.length, widths);
      });
      const { dx, gradients } = backwardGroup({ x: h, dys, linears, lows }, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}

/** What is activated is gated by itself or by ones; it is all that is saved. */
function ungatedMlp(
  { spec, compute }: Pick<FusedContext, 'spec' | 'compute'>,
  linears: readonly FusedLinear[],
): Inner {
  const gates = spec.mlpGate === 'itself';
  const gated = (up: Tensor): Tensor =>
    gates ? up : castTo(tf.ones(up.shape), 'float32', compute);
  const activated = (up: Tensor): Tensor =>
    tf.tidy(() => kernels().gated(up, gated(up), spec.activation)[0]);
  const gradient = (up: Tensor, dcore: Tensor): Tensor => {
    const sides = kernels().gatedGradient([up, gated(up)], dcore, spec.activation);
    if (!gates) return sides[0];
    const [left, right] = sides.map((side) => castTo(side, compute, 'float32'));
    return castTo(left!.add(right!), 'float32', compute);
  };
  return {
    linears,
    forward(h, linears) {
      const lows = lowRank(h, linears, compute);
      const [up] = forwardGroup({ x: h, lows }, linears, { out: compute });
      return { core: activated(up!), saved: [up!, ...lows] };
    },
    coreOf: ([up]) => activated(up!),
    backward({ h, dcore, saved: [up, ...lows] }, linears, output) {
      const dys = [tf.tidy(() => gradient(up!, dcore))];
      const { dx, gradients } = backwardGroup({ x: h, dys, linears, lows }, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
