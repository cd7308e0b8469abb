/** Layers by our own compiled operations. */
import {
  nativeDropout,
  nativeGated,
  nativeGatedGemm,
  nativeGatedGradient,
  nativeGemm,
  nativeGemmOverRows,
  nativeNorm,
  nativeNormGradient,
} from '../native/calls.js';
import {
  nativeAttention,
  nativeAttentionGradient,
  nativeConvolution,
  nativeConvolutionGradient,
  nativeDeltaRule,
  nativeDeltaRuleGradient,
  nativeRope,
} from '../native/mixer-calls.js';
import type { TokenLayout } from '../ops/layout.js';
import type { Tensor } from '../tf.js';
import type { DeltaRows, LayerKernels } from './kernels.js';

const inOrder = ({ q, k, v, g, beta }: DeltaRows): Tensor[] => [q, k, v, g, beta];

/** Where the tokens before each stand, by their distance. */
const befores = (kernel: Tensor, layout: TokenLayout): Tensor[] =>
  Array.from({ length: kernel.shape[2]! - 1 }, (_, i) => layout.before(i + 1));

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
  convolution: (u, kernel, layout) => nativeConvolution(u, kernel, befores(kernel, layout)),
  convolutionGradient: (args, layout) =>
    nativeConvolutionGradient(args, befores(args.kernel, layout)),
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
