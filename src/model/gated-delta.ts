/** What a layer with a gated delta rule computes between its projections, on the tape in float32. */
import {
  gatedActivation,
  gatedDeltaRule,
  rmsNorm,
  shortConvolution,
  silu,
  type Tensor,
  tf,
  withLength,
} from '../tensor/index.js';
import type { BatchGeometry } from './geometry.js';
import type { ParameterSource } from './layer.js';
import { DELTA_LENGTH_EPS, type DecoderSpec, type GatedDeltaLayer } from './spec.js';
import { convWeights, deltaWeights, deltaWidths } from './spec-modules.js';

/** Results of the layer's projections, float32. */
export interface DeltaInputs {
  /** `[T, 2·keyHeads·keyDim + valueHeads·valueDim]` */
  readonly qkv: Tensor;
  /** `[T, valueHeads·valueDim]` */
  readonly z: Tensor;
  /** `[T, valueHeads]` */
  readonly b: Tensor;
  readonly a: Tensor;
}

interface DeltaOptions {
  readonly spec: DecoderSpec;
  readonly layer: number;
  readonly mixer: GatedDeltaLayer;
  /** Must outlive the backward pass. */
  readonly geometry: BatchGeometry;
}

/** @returns `[T, valueHeads·valueDim]` */
export function gatedDelta(
  { qkv, z, b, a }: DeltaInputs,
  source: Pick<ParameterSource, 'get' | 'trainable'>,
  { spec, layer, mixer, geometry }: DeltaOptions,
): Tensor {
  const { keyHeads, keyDim, valueHeads, valueDim } = mixer;
  const { kernel } = convWeights(spec, layer, mixer);
  const { aLog, dtBias, norm } = deltaWeights(layer);
  const trainable = source.trainable(kernel);
  const rows = tf.tidy(() => {
    const layout = { layout: geometry, trainable };
    const mixed = silu(shortConvolution(qkv, source.get(kernel), layout));
    const [q, k, v] = tf.split(mixed, [...deltaWidths(mixer)], 1) as [Tensor, Tensor, Tensor];
    const heads = (x: Tensor, length: number) => {
      const each = withLength(x.reshape([-1, keyDim]), { length, eps: DELTA_LENGTH_EPS });
      return each.reshape([-1, keyHeads, keyDim]);
    };
    return {
      q: heads(q, keyDim ** -0.5),
      k: heads(k, 1),
      v: v.reshape([-1, valueHeads, valueDim]),
      g: tf.softplus(a.add(source.get(dtBias))).mul(tf.exp(source.get(aLog)).neg()),
      beta: tf.sigmoid(b),
    };
  });
  const read = gatedDeltaRule(rows, geometry).reshape([-1, valueDim]);
  const normed = rmsNorm(read, source.get(norm), {
    eps: spec.normEps,
    offset: 0,
    trainable: source.trainable(norm),
  });
  const gated = gatedActivation(z.reshape([-1, valueDim]), normed, 'silu');
  return gated.reshape([-1, valueHeads * valueDim]);
}
