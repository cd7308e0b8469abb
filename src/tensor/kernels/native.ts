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
  type AttentionShape,
  nativeAttention,
  nativeAttentionGradient,
  nativeConvolution,
  nativeConvolutionGradient,
  nativeDeltaRule,
  nativeDeltaRuleGradient,
  nativeRope,
} from '../native/mixer-calls.js';
import type { TokenLayout } from '../ops/layout.js';
import { type Tensor, tf } from '../tf.js';
import type { DeltaRows, LayerKernels } from './kernels.js';

const inOrder = ({ q, k, v, g, beta }: DeltaRows): Tensor[] => [q, k, v, g, beta];

/** Where the tokens before each stand, by their distance. */
const befores = (kernel: Tensor, layout: TokenLayout): Tensor[] =>
  Array.from({ length: kernel.shape[2]! - 1 }, (_, i) => layout.before(i + 1));

/** −Σ p·δ over the tokens, with p = 2^(sink − lse) the share of a head's sink and δ = Σ dy·o; float32. */
const sinkGradient = (
  { o, lse, dy }: Readonly<Record<'o' | 'lse' | 'dy', Tensor>>,
  { heads, sinks }: AttentionShape,
): Tensor =>
  tf.tidy(() => {
    const delta = dy.mul(o).reshape([lse.shape[1]!, heads, -1]).sum(2).transpose();
    const lost = tf.exp(sinks!.mul(Math.LOG2E).expandDims(1).sub(lse).mul(Math.LN2));
    return lost.mul(delta).sum(1).neg();
  });

export const nativeKernels: LayerKernels = {
  normRate: () => null,
  norm: nativeNorm,
  normGradient: nativeNormGradient,
  rope: nativeRope,
  headTensors: 3,
  attentionResults: 2,
  attention: ([q, k, v], { segments }, shape) =>
    nativeAttention({ q: q!, k: k!, v: v!, segments }, shape),
  attentionGradient({ heads: [q, k, v], saved: [o, lse], dy, ofSinks }, { segments }, shape) {
    const inputs = { q: q!, k: k!, v: v!, o: o!, lse: lse!, dy, segments };
    const dheads = nativeAttentionGradient(inputs, shape);
    return ofSinks ? [...dheads, sinkGradient(inputs, shape)] : dheads;
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
