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

/** @param linears Gate and up, or both as one, and down. */
export function mlpOf(
  { spec, compute }: Pick<FusedContext, 'spec' | 'compute'>,
  linears: readonly FusedLinear[],
): Inner {
  const widths = [spec.intermediateSize, spec.intermediateSize];
  /** The gradient to gate and up, which are one. */
  const added = (sides: readonly Tensor[]): Tensor => {
    const [gate, up] = sides.map((side) => castTo(side, compute, 'float32'));
    return castTo(gate!.add(up!), 'float32', compute);
  };
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
      const [gate, up] = tf.tidy(() => {
        const outputs = forwardGroup({ x: h, lows }, linears, { out: compute });
        return spec.gatedMlp ? inColumns(outputs, 2, widths) : [...outputs];
      });
      const [core, ...trace] = kernels().gated(gate!, up ?? gate!, spec.activation);
      return { core, saved: [...trace, ...lows] };
    },
    coreOf: (saved) => kernels().gatedAgain(saved, spec.activation),
    backward({ h, dcore, saved }, linears, output) {
      const lows = [...saved];
      const trace = lows.splice(0, kernels().gatedTrace);
      const dys = tf.tidy(() => {
        const sides = kernels().gatedGradient(trace, dcore, spec.activation);
        return spec.gatedMlp ? inColumns(sides, linears.length, widths) : [added(sides)];
      });
      const { dx, gradients } = backwardGroup({ x: h, dys, linears, lows }, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
