/** Layers by our own compiled operations. */
import {
  nativeAttention,
  nativeAttentionGradient,
  nativeDropout,
  nativeGated,
  nativeGatedGemm,
  nativeGatedGradient,
  nativeGemm,
  nativeGemmOverRows,
  nativeNorm,
  nativeNormGradient,
  nativeRope,
} from '../native/calls.js';
import type { LayerKernels } from './kernels.js';

export const nativeKernels: LayerKernels = {
  normRate: () => null,
  norm: nativeNorm,
  normGradient: nativeNormGradient,
  rope: nativeRope,
  attentionResults: 2,
  attention: (inputs, { segments }, shape) => nativeAttention({ ...inputs, segments }, shape),
  attentionGradient({ saved, ...inputs }, { segments }, shape) {
    const [o, lse] = saved as [typeof inputs.q, typeof inputs.q];
    return nativeAttentionGradient({ ...inputs, o, lse, segments }, shape);
  },
  gatedTrace: 2,
  gated: (gate, up, kind) => [nativeGated(gate, up, kind), gate, up],
  gatedAgain: ([gate, up], kind) => nativeGated(gate!, up!, kind),
  gatedGradient: ([gate, up], dy, kind) => nativeGatedGradient({ gate: gate!, up: up!, dy }, kind),
  gatedGemm: nativeGatedGemm,
  gemm: nativeGemm,
  gemmOverRows: nativeGemmOverRows,
  dropout: nativeDropout,
};
