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
  kernels,
  type Product,
  type Tensor,
  tf,
} from '../../tensor/index.js';
import { joined } from './columns.js';

export interface FusedLora {
  /** `[r, in]` float32 */
  readonly a: Tensor;
  /** `[out, r]` float32 */
  readonly b: Tensor;
  readonly scale: number;
  readonly dropout: { readonly rate: number; readonly seed: number } | null;
  /** scale·A and B as products of bfloat16 take them, made once for all; null where products take float32. */
  readonly halves: { readonly a: Tensor; readonly b: Tensor } | null;
}

/** A, B and the factors of their product, of which A has had `done` already: done·alpha is the scale. */
interface Factors {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly done: number;
  readonly alpha: number;
}

const factorsOf = ({ a, b, scale, halves }: FusedLora): Factors =>
  halves === null ? { a, b, done: 1, alpha: scale } : { ...halves, done: scale, alpha: 1 };

export interface FusedLinear {
  /** Hugging Face's name of the module. */
  readonly module: string;
  /** `[out, in]` in the compute type; one that is kept in 4 bits is made anew at each call. */
  readonly weight: () => Tensor;
  readonly bias: Tensor | null;
  readonly lora: FusedLora | null;
}

/** u of a layer: columns `offset` … of a matrix that its group may share. */
interface Low {
  readonly u: Tensor;
  readonly offset: number;
}

const NOTHING_DROPPED = { rate: 0, seed: 0 };

const rankOf = ({ a }: FusedLora): number => a.shape[0]!;

const droppedInput = (x: Tensor, { dropout }: FusedLora): Tensor =>
  dropout === null ? x : kernels().dropout(x, dropout);

/** x·A of every layer that has LoRA: one matrix for all of them, or one each where they have dropout. */
export function lowRank(
  x: Tensor,
  linears: readonly FusedLinear[],
  out: ComputeType,
): readonly Tensor[] {
  const loras = linears.flatMap(({ lora }) => (lora === null ? [] : [lora]));
  if (loras.length === 0) return [];
  if (loras.some(({ dropout }) => dropout !== null)) {
    return loras.map((lora) => {
      const product = { a: droppedInput(x, lora), b: factorsOf(lora).a, transpose: true };
      return kernels().gemm([product], { out });
    });
  }
  return [kernels().gemm([{ a: x, b: stackedA(loras), transpose: true }], { out })];
}

/** A of each, one below the other. */
const stackedA = (loras: readonly FusedLora[]): Tensor =>
  joined(
    loras.map((lora) => factorsOf(lora).a),
    0,
    loras[0]!.halves === null ? 'float32' : 'bfloat16',
  );

/** What becomes of a layer's result. */
export interface GroupOutput {
  readonly out: ComputeType;
  /** Added at the end, float32 `[T, out]`. */
  readonly residual?: Tensor;
  readonly outScale?: number;
}

interface GroupInput {
  /** `[T, in]` in the compute type. */
  readonly x: Tensor;
  /** As `lowRank` gives them. */
  readonly lows: readonly Tensor[];
}

/** What each layer sums up, made when it is called. */
export function productsOf(
  { x, lows }: GroupInput,
  linears: readonly FusedLinear[],
): readonly (() => readonly Product[])[] {
  const branches = lowsOf(linears, lows);
  return linears.map(({ weight, lora }, i) => () => {
    const base = { a: x, b: weight(), transpose: true };
    if (lora === null) return [base];
    const { u: a, offset } = branches[i]!;
    const { b, alpha } = factorsOf(lora);
    return [base, { a, b, transpose: true, alpha, offset }];
  });
}

export function forwardGroup(
  input: GroupInput,
  linears: readonly FusedLinear[],
  output: GroupOutput,
): readonly Tensor[] {
  const sums = productsOf(input, linears);
  return linears.map(({ bias }, i) =>
    tf.tidy(() => kernels().gemm(sums[i]!(), { ...output, bias })),
  );
}

export interface GroupBackward {
  /** `[T, in]` */
  readonly dx: Tensor;
  /** dA and dB of each layer with LoRA, in order. */
  readonly gradients: readonly Tensor[];
}

/**
 * @param lows As `lowRank` gave them.
 * @param output Type of dx, and what is added to it.
 */
export function backwardGroup(
  args: {
    readonly x: Tensor;
    readonly dys: readonly Tensor[];
    readonly linears: readonly FusedLinear[];
    readonly lows: readonly Tensor[];
  },
  { compute, ...output }: GroupOutput & { readonly compute: ComputeType },
): GroupBackward {
  const { x, dys, linears } = args;
  const product = (more: readonly Product[], options: GroupOutput): Tensor =>
    tf.tidy(() => {
      const bases = linears.map(({ weight }, i) => ({ a: dys[i]!, b: weight(), transpose: false }));
      return kernels().gemm([...bases, ...more], options);
    });
  const branches: Branch[] = [];
  const lows = lowsOf(linears, args.lows);
  for (const [i, { lora }] of linears.entries()) {
    const dy = dys[i]!;
    if (lora === null) continue;
    const { u, offset } = lows[i]!;
    const columns = rankOf(lora);
    const { b, alpha } = factorsOf(lora);
    const v = kernels().gemm([{ a: dy, b, transpose: false, alpha }], { out: compute });
    const db = kernels().gemmOverRows(
      { a: u, b: dy },
      { columns, offset, alpha, transposeOut: true },
    );
    branches.push({ v, lora, db });
  }
  const pairs = (das: readonly Tensor[]) => branches.flatMap(({ db }, i) => [das[i]!, db]);
  if (branches.every(({ lora }) => lora.dropout === null)) {
    const low = joinedBranches(branches, compute);
    if (low === null) return { dx: product([], output), gradients: [] };
    const das = joinedDa(low, x, branches);
    return { dx: product([low], output), gradients: pairs(das) };
  }
  let dx = product([], { out: compute });
  const das = branches.map(({ v, lora }) => {
    const { a, done: alpha } = factorsOf(lora);
    const part = kernels().gemm([{ a: v, b: a, transpose: false }], { out: compute });
    dx = kernels().dropout(part, { ...(lora.dropout ?? NOTHING_DROPPED), addend: dx });
    const columns = rankOf(lora);
    return kernels().gemmOverRows({ a: v, b: droppedInput(x, lora) }, { columns, alpha });
  });
  return { dx: finish(dx, compute, output), gradients: pairs(das) };
}

/** The LoRA branch of a layer on its way back. */
interface Branch {
  readonly v: Tensor;
  readonly lora: FusedLora;
  readonly db: Tensor;
}

/** v of all branches side by side and their A one below the other: one product is what they add to dx. */
function joinedBranches(
  branches: readonly Branch[],
  compute: ComputeType,
): (Product & { readonly columns: number }) | null {
  if (branches.length === 0) return null;
  const a = joined(
    branches.map(({ v }) => v),
    1,
    compute,
  );
  const b = stackedA(branches.map(({ lora }) => lora));
  return { a, b, transpose: false, columns: b.shape[0]! };
}

/** dA of each branch, by one product. */
function joinedDa(
  low: Product & { readonly columns: number },
  x: Tensor,
  branches: readonly Branch[],
): readonly Tensor[] {
  const factors = branches.map(({ lora }) => factorsOf(lora).done);
  // One for all where their scales are the same.
  const alpha = factors.every((factor) => factor === factors[0]) ? factors[0]! : 1;
  const all = kernels().gemmOverRows({ a: low.a, b: x }, { columns: low.columns, alpha });
  const ranks = branches.map(({ lora }) => rankOf(lora));
  const parts = ranks.length === 1 ? [all] : tf.split(all, ranks, 0);
  return parts.map((part, i) => (factors[i] === alpha ? part : part.mul(factors[i]! / alpha)));
}

/** Which columns of which matrix are a layer's. */
function lowsOf(linears: readonly FusedLinear[], lows: readonly Tensor[]): (Low | null)[] {
  const isShared = lows.length === 1;
  let [offset, next] = [0, 0];
  return linears.map(({ lora }) => {
    if (lora === null) return null;
    const low = isShared ? { u: lows[0]!, offset } : { u: lows[next]!, offset: 0 };
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
