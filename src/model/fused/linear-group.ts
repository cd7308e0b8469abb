/**
 * Linear layers that share an input, each with its LoRA branch, forward and backward by our own operations:
 * y_i = x·W_iᵀ + b_i + s_i·(x·A_iᵀ)·B_iᵀ. One product computes x·A of all of them, one more per layer does the
 * rest; the gradient to x is a single product over all layers. W is frozen. With u_i = x·A_iᵀ and
 * v_i = s_i·dy_i·B_i: dB_i = s_i·dy_iᵀ·u_i, dA_i = v_iᵀ·x, dx = Σ dy_i·W_i + v_i·A_i. LoRA dropout gives
 * each branch an input of its own.
 */
import {
  type ComputeType,
  castTo,
  nativeDropout,
  nativeGemm,
  nativeGemmOverRows,
  type Product,
  type Tensor,
  tf,
} from '../../tensor/index.js';

export interface FusedLora {
  /** `[r, in]` float32 */
  readonly a: Tensor;
  /** `[out, r]` float32 */
  readonly b: Tensor;
  readonly scale: number;
  readonly dropout: { readonly rate: number; readonly seed: number } | null;
}

export interface FusedLinear {
  /** `[out, in]` in the compute type. */
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly lora: FusedLora | null;
}

/** u of a layer: columns `offset` … of a matrix that its group may share. */
interface Low {
  readonly u: Tensor;
  readonly offset: number;
}

const rankOf = ({ a }: FusedLora): number => a.shape[0]!;

const droppedInput = (x: Tensor, { dropout }: FusedLora): Tensor =>
  dropout === null ? x : nativeDropout(x, dropout);

/** x·A of every layer that has LoRA. */
function lowRank(x: Tensor, linears: readonly FusedLinear[], out: ComputeType): (Low | null)[] {
  const loras = linears.flatMap(({ lora }) => (lora === null ? [] : [lora]));
  if (loras.some(({ dropout }) => dropout !== null)) {
    return linears.map(({ lora }) => {
      if (lora === null) return null;
      const product = { a: droppedInput(x, lora), b: lora.a, transpose: true };
      return { u: nativeGemm([product], { out }), offset: 0 };
    });
  }
  if (loras.length === 0) return linears.map(() => null);
  const matrices = loras.map(({ a }) => a);
  const b = matrices.length === 1 ? matrices[0]! : tf.concat(matrices, 0);
  const u = nativeGemm([{ a: x, b, transpose: true }], { out });
  let offset = 0;
  return linears.map(({ lora }) => {
    if (lora === null) return null;
    const low = { u, offset };
    offset += rankOf(lora);
    return low;
  });
}

export interface GroupForward {
  readonly outputs: readonly Tensor[];
  /** To be kept for the backward pass, in order. */
  readonly saved: readonly Tensor[];
}

/** What becomes of a layer's result. */
export interface GroupOutput {
  readonly out: ComputeType;
  /** Added at the end, float32 `[T, out]`. */
  readonly residual?: Tensor;
  readonly outScale?: number;
}

/** @param x `[T, in]` in the compute type. */
export function forwardGroup(
  x: Tensor,
  linears: readonly FusedLinear[],
  { compute, ...output }: GroupOutput & { readonly compute: ComputeType },
): GroupForward {
  const lows = lowRank(x, linears, compute);
  const outputs = linears.map(({ weight, bias, lora }, i) => {
    const low = lows[i]!;
    const products: Product[] = [{ a: x, b: weight, transpose: true }];
    if (lora !== null && low !== null) {
      const { u: a, offset } = low;
      products.push({ a, b: lora.b, transpose: true, alpha: lora.scale, offset });
    }
    return nativeGemm(products, { ...output, bias });
  });
  const saved = [...new Set(lows.flatMap((low) => (low === null ? [] : [low.u])))];
  return { outputs, saved };
}

export interface GroupBackward {
  /** `[T, in]` */
  readonly dx: Tensor;
  /** dA and dB of each layer with LoRA, in order. */
  readonly gradients: readonly Tensor[];
}

/**
 * @param saved As `forwardGroup` gave it.
 * @param output Type of dx, and what is added to it.
 */
export function backwardGroup(
  args: {
    readonly x: Tensor;
    readonly dys: readonly Tensor[];
    readonly linears: readonly FusedLinear[];
    readonly saved: readonly Tensor[];
  },
  { compute, ...output }: GroupOutput & { readonly compute: ComputeType },
): GroupBackward {
  const { x, dys, linears } = args;
  const products: Product[] = [];
  const dropped: { v: Tensor; lora: FusedLora }[] = [];
  const gradients: Tensor[] = [];
  const lows = savedLows(linears, args.saved);
  for (const [i, { weight, lora }] of linears.entries()) {
    const dy = dys[i]!;
    products.push({ a: dy, b: weight, transpose: false });
    if (lora === null) continue;
    const { u, offset } = lows[i]!;
    const columns = rankOf(lora);
    const back = { a: dy, b: lora.b, transpose: false, alpha: lora.scale };
    const v = nativeGemm([back], { out: compute });
    const input = droppedInput(x, lora);
    gradients.push(
      nativeGemmOverRows({ a: v, b: input }, { columns }),
      nativeGemmOverRows(
        { a: u, b: dy },
        { columns, offset, alpha: lora.scale, transposeOut: true },
      ),
    );
    if (lora.dropout === null) products.push({ a: v, b: lora.a, transpose: false });
    else dropped.push({ v, lora });
  }
  if (dropped.length === 0) return { dx: nativeGemm(products, output), gradients };
  let dx = nativeGemm(products, { out: compute });
  for (const { v, lora } of dropped) {
    const part = nativeGemm([{ a: v, b: lora.a, transpose: false }], { out: compute });
    dx = nativeDropout(part, { ...lora.dropout!, addend: dx });
  }
  return { dx: finish(dx, compute, output), gradients };
}

function savedLows(linears: readonly FusedLinear[], saved: readonly Tensor[]): (Low | null)[] {
  const isShared = saved.length === 1;
  let [offset, next] = [0, 0];
  return linears.map(({ lora }) => {
    if (lora === null) return null;
    const low = isShared ? { u: saved[0]!, offset } : { u: saved[next]!, offset: 0 };
    offset += rankOf(lora);
    next += 1;
    return low;
  });
}

/** Brings a gradient of the compute type to what the caller wants. */
function finish(dx: Tensor, compute: ComputeType, { out, residual }: GroupOutput): Tensor {
  const typed = compute === out ? dx : castTo(dx, compute, out);
  return residual === undefined ? typed : typed.add(residual);
}
