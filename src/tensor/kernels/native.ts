/** Layers by our own compiled operations. */

import {
  nativeAttention,
  nativeAttentionGradient,
  nativeDeltaRule,
  nativeDeltaRuleGradient,
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
import type { Tensor } from '../tf.js';
import type { DeltaRows, LayerKernels } from './kernels.js';

const inOrder = ({ q, k, v, g, beta }: DeltaRows): Tensor[] => [q, k, v, g, beta];

export const nativeKernels: LayerKernels = {
  normRate: () => null,
  norm: nativeNorm,
  normGradient: nativeNormGradient,
  rope: nativeRope,
  headTensors: 3,
  attentionResults: 2,
  attention: ([q, k, v], { segments }, shape) =>
    nativeAttention({ q: q!, k: k!, v: v!, segments }, shape),
  attentionGradient({ heads: [q, k, v], saved: [o, lse], dy }, { segments }, shape) {
    const inputs = { q: q!, k: k!, v: v!, o: o!, lse: lse!, dy, segments };
    return nativeAttentionGradient(inputs, shape);
  },
  deltaRule: (rows, { segments }) => [nativeDeltaRule(inOrder(rows), segments)],
  deltaRuleGradient: ({ rows, dy }, { segments }) =>
    nativeDeltaRuleGradient([...inOrder(rows), dy], segments),
  gatedTrace: 2,
  gated: (gate, up, kind) => [nativeGated(gate, up, kind), gate, up],
  gatedAgain: ([gate, up], kind) => nativeGated(gate!, up!, kind),
  gatedGradient: ([gate, up], dy, kind) => nativeGatedGradient({ gate: gate!, up: up!, dy }, kind),
  gatedGemm: nativeGatedGemm,
  gemm: nativeGemm,
  gemmOverRows: nativeGemmOverRows,
  dropout: nativeDropout,
};
