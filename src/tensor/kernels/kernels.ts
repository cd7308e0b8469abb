/**
 * What decoder layers are made of, forward and backward, in two forms: our own compiled operations, and
 * TensorFlow's, composed; the latter in float32, or over bfloat16 tensors where a GPU is used. All give the same
 * numbers within their precision. None records a gradient.
 */
import type {
  DropoutOptions,
  GemmOptions,
  NativeGate,
  NormGradientInputs,
  NormOptions,
  OverRowsOptions,
  Product,
} from '../native/calls.js';
import type { AttentionShape, ConvolutionGradientInputs } from '../native/mixer-calls.js';
import type { TokenLayout } from '../ops/layout.js';
import type { Rotation } from '../ops/rotation.js';
import { hasHalfTensors, hasNativeOps, type Tensor } from '../tf.js';
import { composedKernels } from './composed.js';
import { halfKernels } from './half.js';
import { nativeKernels } from './native.js';

/** Queries `[T, heads·D]`, keys and values `[T, kvHeads·D]`; or one tensor, all of them side by side. */
export type Heads = readonly Tensor[];

export interface AttentionGradientInputs {
  readonly heads: Heads;
  /** What `attention` gave. */
  readonly saved: readonly Tensor[];
  readonly dy: Tensor;
  /** Whether the gradient to sinks is wanted, where all is in float32; default false. */
  readonly ofSinks?: boolean;
}

export interface RopeForm {
  readonly headDim: number;
  /** −1 rotates back. */
  readonly sign: 1 | -1;
  /** Last heads that are left as they are; default 0, and only that where attention takes three tensors. */
  readonly still?: number;
}

/** What a gated delta rule takes of each token. */
export interface DeltaRows {
  /** `[T, keyHeads, keyDim]`, as they are read and written with. */
  readonly q: Tensor;
  readonly k: Tensor;
  /** `[T, valueHeads, valueDim]`; so many value heads in a row as there are for each key head share q and k. */
  readonly v: Tensor;
  /** `[T, valueHeads]`: the logarithm of the decay, and the rate of correction. */
  readonly g: Tensor;
  readonly beta: Tensor;
}

export interface DeltaGradientInputs {
  readonly rows: DeltaRows;
  /** What `deltaRule` gave besides o. */
  readonly saved: readonly Tensor[];
  /** `[T, valueHeads · valueDim]` */
  readonly dy: Tensor;
}

export interface LayerKernels {
  /** 1/√(mean(x²) + eps) for `norm` and its gradient to share, `[rows, 1]`; null where each makes its own. */
  normRate(x: Tensor, w: Tensor, options: NormOptions): Tensor | null;
  /** x·(w + offset)/√(mean(x²) + eps). @param x `[…, W]` @param w `[W]` @param rate Of `normRate`, if it is at hand */
  norm(x: Tensor, w: Tensor, options: NormOptions, rate?: Tensor | null): Tensor;
  /** @returns dx */
  normGradient(args: NormGradientInputs, options: NormOptions): Tensor;
  /** @param x `[T, heads·D]` */
  rope(x: Tensor, rotation: Rotation, form: RopeForm): Tensor;
  /** Tensors in which attention takes heads with the fewest operations. */
  readonly headTensors: 1 | 3;
  /** Tensors that `attention` returns. */
  readonly attentionResults: number;
  /** @returns o `[T, heads·D]`, then what its gradient wants besides */
  attention(heads: Heads, layout: TokenLayout, shape: AttentionShape): Tensor[];
  /** @returns The gradients to `heads`, then that to the shape's sinks where it is wanted */
  attentionGradient(
    args: AttentionGradientInputs,
    layout: TokenLayout,
    shape: AttentionShape,
  ): Tensor[];
  /** Over the last tokens of each sequence. @param u `[T, H]` float32 @param kernel `[H, 1, taps]` @returns `[T, H]` */
  convolution(u: Tensor, kernel: Tensor, layout: TokenLayout): Tensor;
  /** @returns du, dkernel */
  convolutionGradient(
    args: ConvolutionGradientInputs,
    layout: TokenLayout,
  ): [Tensor, Tensor | null];
  /** @returns o `[T, valueHeads · valueDim]`, then what its gradient wants besides; float32 */
  deltaRule(rows: DeltaRows, layout: TokenLayout): Tensor[];
  /** @returns dq, dk, dv, dg, dβ */
  deltaRuleGradient(args: DeltaGradientInputs, layout: TokenLayout): Tensor[];
  /** Tensors that the gradient of the gated activation reads: gate and up, or act(gate) besides. */
  readonly gatedTrace: 2 | 3;
  /** @returns act(gate)·up, then the trace */
  gated(gate: Tensor, up: Tensor, kind: NativeGate): [Tensor, ...Tensor[]];
  /** The first result of `gated` again. */
  gatedAgain(trace: readonly Tensor[], kind: NativeGate): Tensor;
  /** @returns d gate, d up */
  gatedGradient(trace: readonly Tensor[], dy: Tensor, kind: NativeGate): [Tensor, Tensor];
  /**
   * act(gate)·up with gate and up sums of one or two products each, B `[N, K]`.
   * @returns y, then the trace, `[M, N]` each; that is empty unless kept
   */
  gatedGemm(
    sides: readonly [readonly Product[], readonly Product[]],
    options: { readonly kind: NativeGate; readonly keeps: boolean },
  ): [Tensor, ...Tensor[]];
  /** outScale·(Σ products + bias) + residual, `[M, N]`; at most six products. */
  gemm(products: readonly Product[], options: GemmOptions): Tensor;
  /**
   * alpha·A[:, offset : offset + columns]ᵀ·B over the tokens, float32, or bfloat16 where TensorFlow's own operations
   * take a bfloat16 one. @param a `[T, M]` @param b `[T, N]`
   */
  gemmOverRows(args: { readonly a: Tensor; readonly b: Tensor }, options: OverRowsOptions): Tensor;
  /**
   * Inverted dropout by a hash of seed and index: x·mask/(1 − rate), plus `addend` where given. Its own gradient
   * is the same call on dy.
   */
  dropout(x: Tensor, options: DropoutOptions): Tensor;
}

/** Those of this process. */
export function kernels(): LayerKernels {
  if (hasNativeOps()) return nativeKernels;
  return hasHalfTensors() ? halfKernels : composedKernels;
}
