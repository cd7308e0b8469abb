/** Layers by TensorFlow's own operations, in as few passes over memory as they allow; float32. */
import { type Tensor, tf } from '../tf.js';
import { composedAttention, composedAttentionGradient } from './composed-attention.js';
import { composedConvolution, composedConvolutionGradient } from './composed-convolution.js';
import { composedDelta, composedDeltaGradient } from './composed-delta.js';
import {
  composedActivation,
  composedGatedGradient,
  gatedProduct,
  withTrace,
} from './composed-gated.js';
import { composedGemm, composedGemmOverRows } from './composed-gemm.js';
import { composedNorm, composedNormGradient, composedNormRate } from './composed-norm.js';
import { composedRope } from './composed-rope.js';
import type { LayerKernels } from './kernels.js';
import { dropoutMask } from './seeded-uniform.js';

export const composedKernels: LayerKernels = {
  normRate: composedNormRate,
  norm: composedNorm,
  normGradient: composedNormGradient,
  rope: composedRope,
  headTensors: 3,
  attentionResults: 1,
  attention: composedAttention,
  attentionGradient: composedAttentionGradient,
  convolution: composedConvolution,
  convolutionGradient: composedConvolutionGradient,
  deltaRule: composedDelta,
  deltaRuleGradient: composedDeltaGradient,
  gatedTrace: 3,
  gated(gate, up, kind) {
    const value = composedActivation(gate, kind);
    return [tf.tidy(() => gatedProduct(value, up, kind)), gate, up, value];
  },
  gatedAgain: ([, up, value], kind) => tf.tidy(() => gatedProduct(value!, up!, kind)),
  gatedGradient: composedGatedGradient,
  gatedGemm([gates, ups], { kind, keeps }) {
    const [gate, up] = [gates, ups].map((side) => composedGemm(side, { out: 'float32' }));
    return withTrace(composedKernels.gated(gate!, up!, kind), keeps);
  },
  gemm: composedGemm,
  gemmOverRows: composedGemmOverRows,
  dropout(x, { rate, seed, addend }) {
    const dropped: Tensor = x.mul(dropoutMask(x.shape, [seed, 0], rate));
    return addend === undefined ? dropped : dropped.add(addend);
  },
};
