/**
 * Our own operations in which tokens meet one another or know their place: rotary positions, attention, short
 * convolutions and the gated delta rule. As in `calls.ts`, none records a gradient.
 */
import { attr, executeOp } from '../execute.js';
import type { RotaryTable } from '../ops/rotation.js';
import { emptyTensor, type Tensor } from '../tf.js';

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly scale: number;
  readonly softcap: number | null;
  readonly window: number | null;
  /** Of each head a score that no value goes with, `[heads]` float32; absent or null: none. */
  readonly sinks?: Tensor | null;
}

export interface ConvolutionGradientInputs {
  readonly dy: Tensor;
  readonly kernel: Tensor;
  /** The convolution's input; null: no gradient of the kernel is wanted. */
  readonly u: Tensor | null;
}

/** @param x `[T, heads·D]` @param positions int32 `[T]` */
export function nativeRope(
  x: Tensor,
  { positions, table }: { positions: Tensor; table: RotaryTable },
  { headDim, sign }: { headDim: number; sign: 1 | -1 },
): Tensor {
  const attrs = [
    attr.int('head_dim', headDim),
    attr.bool('neighbours', table.rotatesNeighbours),
    attr.float('sign', sign),
  ];
  return executeOp('LorikeetRope', attrs, [x, positions, table.cos, table.sin]);
}

const attentionAttrs = ({ heads, kvHeads, scale, softcap, window }: AttentionShape) => [
  attr.int('heads', heads),
  attr.int('kv_heads', kvHeads),
  attr.int('window', window ?? 0),
  attr.float('scale', scale),
  attr.float('softcap', softcap ?? 0),
];

/**
 * @param q `[T, heads·D]` @param k `[T, kvHeads·D]`, as `v`
 * @param segments int32 `[n, 3]`: start, length, index of the prefix or −1
 * @returns o `[T, heads·D]`, log2 Σ 2^(score·log2 e) f32 `[heads, T]`
 */
export function nativeAttention(
  { q, k, v, segments }: { q: Tensor; k: Tensor; v: Tensor; segments: Tensor },
  shape: AttentionShape,
): [Tensor, Tensor] {
  const inputs = [q, k, v, segments, shape.sinks ?? emptyTensor()];
  const out = executeOp('LorikeetAttention', attentionAttrs(shape), inputs, 2);
  return out as [Tensor, Tensor];
}

/** @returns dq, dk, dv */
export function nativeAttentionGradient(
  saved: { q: Tensor; k: Tensor; v: Tensor; o: Tensor; lse: Tensor; dy: Tensor; segments: Tensor },
  shape: AttentionShape,
): [Tensor, Tensor, Tensor] {
  const { q, k, v, o, lse, dy, segments } = saved;
  const inputs = [q, k, v, o, lse, dy, segments];
  const out = executeOp('LorikeetAttentionGrad', attentionAttrs(shape), inputs, 3);
  return out as [Tensor, Tensor, Tensor];
}

/** @param u `[T, H]` @param kernel `[H, 1, taps]` @param before int32 `[T]`, taps − 1 of them @returns `[T, H]` */
export const nativeConvolution = (u: Tensor, kernel: Tensor, before: readonly Tensor[]): Tensor =>
  executeOp('LorikeetConvolution', [attr.int('N', before.length)], [u, kernel, ...before]);

/** @returns du, and dkernel where u is given */
export function nativeConvolutionGradient(
  { dy, kernel, u }: ConvolutionGradientInputs,
  before: readonly Tensor[],
): [Tensor, Tensor | null] {
  const attrs = [attr.int('N', before.length), attr.bool('of_kernel', u !== null)];
  const inputs = [dy, kernel, u ?? dy, ...before];
  const [du, dkernel] = executeOp('LorikeetConvolutionGrad', attrs, inputs, 2);
  if (u !== null) return [du!, dkernel!];
  dkernel!.dispose();
  return [du!, null];
}

/** @param rows q, k, v, g, β as `DeltaRows` has them @param segments As of attention @returns o `[T, valueHeads · valueDim]` */
export const nativeDeltaRule = (rows: readonly Tensor[], segments: Tensor): Tensor =>
  executeOp('LorikeetDeltaRule', [], [...rows, segments]);

/** @param rows The same, and dy @returns dq, dk, dv, dg, dβ */
export const nativeDeltaRuleGradient = (rows: readonly Tensor[], segments: Tensor): Tensor[] =>
  executeOp('LorikeetDeltaRuleGrad', [], [...rows, segments], 5);
