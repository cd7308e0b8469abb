/**
 * Lorikeet's own TensorFlow operations, one typed function each; what they compute stands in the headers
 * beside this file; those of rotary positions, attention and other mixers of tokens stand in `mixer-calls.ts`. None records a
 * gradient. Tensors of type bfloat16 are opaque (see `half-precision.ts`).
 */
import { attr, cast, executeOp } from '../execute.js';
import { emptyTensor, type Tensor, tf } from '../tf.js';

/** Element type of activations and products. Sums, norms, the residual stream and LoRA stay float32. */
export type ComputeType = 'float32' | 'bfloat16';

export interface NormOptions {
  readonly eps: number;
  readonly offset: number;
  /** Type of the result. */
  readonly out: ComputeType;
}

export interface NormGradientInputs {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly dy: Tensor;
  /** Added to the gradient, f32 `[…, W]`. */
  readonly extra?: Tensor;
  /** Of `normRate`, if it is at hand. */
  readonly rate?: Tensor | null;
}

export interface GemmOptions {
  readonly out: ComputeType;
  /** `[N]` */
  readonly bias?: Tensor | null;
  /** f32 `[M, N]`, added at the end. */
  readonly residual?: Tensor | null;
  readonly outScale?: number;
}

export interface OverRowsOptions {
  readonly columns: number;
  readonly offset?: number;
  readonly alpha?: number;
  /** `[N, columns]` instead of `[columns, N]`. */
  readonly transposeOut?: boolean;
}

export interface DropoutOptions {
  readonly rate: number;
  readonly seed: number;
  readonly addend?: Tensor;
}

export interface HeadForm {
  readonly temperature: number;
  readonly logitScale: number;
  readonly softcap: number | null;
}

/** One summand of `gemm`: alpha · A[:, offset : offset + K] · B, B `[K, N]`, or `[N, K]` when transposed. */
export interface Product {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly transpose: boolean;
  readonly alpha?: number;
  readonly offset?: number;
}

export interface NativeFourBit {
  readonly packed: Tensor;
  readonly pairs: Tensor;
  readonly magnitudes: Tensor;
  /** Magnitudes are table[code] · scale of their group of 256 + offset; null: they are float32. */
  readonly nested: {
    readonly table: Tensor;
    readonly scales: Tensor;
    readonly offset: number;
  } | null;
}

const MAX_PRODUCTS = 6;

/** @returns `x` itself where nothing changes. */
export const castTo = (x: Tensor, from: ComputeType, to: ComputeType): Tensor =>
  from === to ? x : cast(x, from, to);

/** @param x `[…, W]` @param w `[W]` */
export function nativeNorm(x: Tensor, w: Tensor, { eps, offset, out }: NormOptions): Tensor {
  const attrs = [attr.type('Y', out), attr.float('eps', eps), attr.float('offset', offset)];
  return executeOp('LorikeetRmsNorm', attrs, [x, w]);
}

/** @returns dx */
export function nativeNormGradient(
  { x, w, dy, extra }: NormGradientInputs,
  { eps, offset, out }: NormOptions,
): Tensor {
  const attrs = [attr.type('Y', out), attr.float('eps', eps), attr.float('offset', offset)];
  return executeOp('LorikeetRmsNormGrad', attrs, [x, w, dy, extra ?? emptyTensor()]);
}

const KINDS = { silu: 0, gelu_tanh: 1, gelu: 2, relu: 3, clamped_silu: 4 } as const;
export type NativeGate = keyof typeof KINDS;

/** @returns act(gate)·up */
export const nativeGated = (gate: Tensor, up: Tensor, kind: NativeGate): Tensor =>
  executeOp('LorikeetGated', [attr.int('kind', KINDS[kind])], [gate, up]);

/** @returns d gate, d up */
export const nativeGatedGradient = (
  { gate, up, dy }: { gate: Tensor; up: Tensor; dy: Tensor },
  kind: NativeGate,
): [Tensor, Tensor] =>
  executeOp('LorikeetGatedGrad', [attr.int('kind', KINDS[kind])], [gate, up, dy], 2) as [
    Tensor,
    Tensor,
  ];

/** `outScale`·(Σ products + bias) + residual, `[M, N]`; at most six products. */
export function nativeGemm(products: readonly Product[], options: GemmOptions): Tensor {
  if (products.length > MAX_PRODUCTS) throw new Error('nativeGemm: too many products');
  const first = products[0]!;
  const inputs = Array.from({ length: MAX_PRODUCTS }, (_, i) => products[i] ?? first);
  const attrs = [
    attr.type('Y', options.out),
    attr.float(
      'alpha',
      products.map(({ alpha = 1 }) => alpha),
    ),
    attr.int(
      'transpose',
      products.map(({ transpose }) => (transpose ? 1 : 0)),
    ),
    attr.int(
      'offset',
      products.map(({ offset = 0 }) => offset),
    ),
    attr.float('out_scale', options.outScale ?? 1),
  ];
  return executeOp('LorikeetGemm', attrs, [
    ...inputs.flatMap(({ a, b }) => [a, b]),
    options.bias ?? emptyTensor(),
    options.residual ?? emptyTensor(),
  ]);
}

/**
 * The first half of a gated MLP: act(gate)·up with gate and up sums of one or two products each, B `[N, K]`.
 * @param keeps Whether gate and up are returned too.
 * @returns y, gate and up, `[M, N]`; the last two are empty unless kept
 */
export function nativeGatedGemm(
  sides: readonly [readonly Product[], readonly Product[]],
  { kind, keeps }: { readonly kind: NativeGate; readonly keeps: boolean },
): [Tensor, Tensor, Tensor] {
  const places = sides.flatMap((side) => [side[0]!, side[1] ?? side[0]!]);
  const counts = sides.map(({ length }) => length);
  const attrs = [
    attr.int('counts', counts),
    attr.int(
      'offset',
      places.map(({ offset = 0 }) => offset),
    ),
    attr.float(
      'alpha',
      places.map(({ alpha = 1 }) => alpha),
    ),
    attr.int('kind', KINDS[kind]),
    attr.bool('keeps', keeps),
  ];
  const inputs = places.flatMap(({ a, b }) => [a, b]);
  return executeOp('LorikeetGatedGemm', attrs, inputs, 3) as [Tensor, Tensor, Tensor];
}

/** alpha·A[:, offset : offset + columns]ᵀ·B over the tokens, float32. @param a `[T, M]` @param b `[T, N]` */
export function nativeGemmOverRows(
  { a, b }: { a: Tensor; b: Tensor },
  { columns, offset = 0, alpha = 1, transposeOut = false }: OverRowsOptions,
): Tensor {
  const attrs = [
    attr.int('offset', offset),
    attr.int('columns', columns),
    attr.float('alpha', alpha),
    attr.bool('transpose_out', transposeOut),
  ];
  return executeOp('LorikeetGemmOverRows', attrs, [a, b]);
}

/**
 * @param h `[M, H]` @param w `[V, H]` of the same type @param targets int32 `[M]`
 * @returns scores `[M, 3]` (log p, entropy, is the mode), and d log p / d h f32 `[M, H]` where asked for
 */
export function nativeHead(
  { h, w, targets }: { h: Tensor; w: Tensor; targets: Tensor },
  { temperature, logitScale, softcap }: HeadForm,
  jacobian: boolean,
): [Tensor, Tensor] {
  const attrs = [
    attr.float('logit_scale', logitScale),
    attr.float('softcap', softcap ?? 0),
    attr.float('temperature', temperature),
    attr.bool('jacobian', jacobian),
  ];
  return executeOp('LorikeetHead', attrs, [h, w, targets], 2) as [Tensor, Tensor];
}

/**
 * Inverted dropout by a hash of seed and index: x·mask/(1 − rate), plus `addend` where given. Its own gradient
 * is the same call on dy.
 */
export function nativeDropout(x: Tensor, { rate, seed, addend }: DropoutOptions): Tensor {
  const attrs = [attr.float('rate', rate), attr.bool('adds', addend !== undefined)];
  return executeOp('LorikeetDropout', attrs, [x, tf.scalar(seed, 'int32'), addend ?? x]);
}

/**
 * A matrix made of its 4 bits: table[code] · magnitude of its block, the same bits as of TensorFlow's own operations.
 * @param packed 32 bytes a block of 64 values, as float32 of the same bits `[blocks · 8]`
 * @param pairs Both values of each byte `[256, 2]`
 * @param magnitudes Of blocks, float32; their codes as bytes like `packed` where `nested` has the rest of them
 * @returns `shape`
 */
export function nativeFourBit(
  { packed, pairs, magnitudes, nested }: NativeFourBit,
  shape: readonly [number, number],
  type: ComputeType,
): Tensor {
  const attrs = [
    attr.type('Y', type),
    attr.int('rows', shape[0]),
    attr.int('columns', shape[1]),
    attr.float('offset', nested?.offset ?? 0),
  ];
  const { table, scales } = nested ?? { table: emptyTensor(), scales: emptyTensor() };
  return executeOp('LorikeetFourBit', attrs, [packed, pairs, magnitudes, table, scales]);
}

/** From now on the process hands back freed blocks of so many bytes and more, and keeps smaller ones for what comes. */
export function nativeHandBackFrom(bytes: number): void {
  executeOp('LorikeetHandBackFrom', [attr.int('bytes', bytes)], []).dispose();
}
