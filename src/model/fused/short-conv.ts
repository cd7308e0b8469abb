/** The gated short convolution of a layer; between its projections all is computed in float32. */
import { castTo, joined, kernels, parted, type Tensor, tf } from '../../tensor/index.js';
import type { ShortConvLayer } from '../spec.js';
import { convWeights, linearGroups } from '../spec-modules.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup, lowRank } from './linear-group.js';
import type { Inner } from './sublayer.js';

export function fusedShortConv(context: FusedContext, layer: number, mixer: ShortConvLayer): Inner {
  const { spec, compute, geometry } = context;
  const { mixerIn, mixerOut } = linearGroups(spec, layer);
  const names = convWeights(spec, layer, mixer);
  const kernel = context.float32(names.kernel);
  const bias = names.bias === null ? null : context.float32(names.bias);
  const widths = [spec.hiddenSize, spec.hiddenSize, spec.hiddenSize];

  /** b, c and x in float32, and the convolution of b ⊙ x. @param bcx `[T, 3·H]` in the compute type */
  const parts = (bcx: Tensor) => {
    const [b, c, x] = parted(castTo(bcx, compute, 'float32'), widths, 1) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const mixed = kernels().convolution(b.mul(x), kernel, geometry);
    return { b, c, x, mixed: bias === null ? mixed : mixed.add(bias) };
  };
  const coreOf = (bcx: Tensor): Tensor =>
    tf.tidy(() => {
      const { c, mixed } = parts(bcx);
      return castTo(c.mul(mixed), 'float32', compute);
    });
  /** The gradient to b, c and x, `[T, 3·H]` in the compute type. */
  const gradientOf = (bcx: Tensor, dcore: Tensor): Tensor =>
    tf.tidy(() => {
      const { b, c, x, mixed } = parts(bcx);
      const d = castTo(dcore, compute, 'float32');
      const dmixed = d.mul(c);
      const [du] = kernels().convolutionGradient({ dy: dmixed, kernel, u: null }, geometry);
      return castTo(joined([du.mul(x), d.mul(mixed), du.mul(b)], 1), 'float32', compute);
    });
  return {
    linears: [...context.linears(mixerIn), ...context.linears([mixerOut])],
    forward(h, linears) {
      const lows = lowRank(h, linears, compute);
      const [bcx] = forwardGroup({ x: h, lows }, linears, { out: compute });
      return { core: coreOf(bcx!), saved: [bcx!, ...lows] };
    },
    coreOf: ([bcx]) => coreOf(bcx!),
    backward({ h, dcore, saved: [bcx, ...lows] }, linears, output) {
      const args = { x: h, dys: [gradientOf(bcx!, dcore)], linears, lows };
      const { dx, gradients } = backwardGroup(args, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
