/**
 * Linear layers that share an input, each with its LoRA branch, forward and backward by our own operations:
 * y_i = x·W_iᵀ + b_i + s_i·(x·A_iᵀ)·B_iᵀ. One product computes x·A of all of them, one more per layer does the
 * rest; the gradient to x is a single product over all layers. W is frozen. With u_i = x·A_iᵀ and
 * v_i = s_i·dy_i·B_i: dB_i = s_i·dy_iᵀ·u_i, dA_i = v_iᵀ·x, dx = Σ dy_i·W_i + v_i·A_i. LoRA dropout gives
 * each branch an input of its own. Several modules may be held as one layer, see joined-lora.ts.
 */
import {
  type ComputeType,
  castTo,
  cut,
  joined,
  kernels,
  type Product,
  parted,
  reshaped,
  type Tensor,
  tf,
} from '../../tensor/index.js';

/** A and B of one module. */
export interface LoraPart {
  readonly module: string;
  /** `[r, in]`; factor·A in bfloat16 where products by TensorFlow's own operations take that, else A in float32. */
  readonly a: Tensor;
  /** `[out, r]`, likewise. */
  readonly b: Tensor;
  /** Row of the layer's B where its own begin. */
  readonly row: number;
  readonly dropout: { readonly rate: number; readonly seed: number } | null;
}

export interface FusedLora {
  /** Of all parts, one below the other. */
  readonly a: Tensor;
  /** Of all parts along a diagonal, zeros beside them. */
  readonly b: Tensor;
  /** Of the product of `a` and `b`. */
  readonly scale: number;
  /** One; several where modules are held as one. */
  readonly parts: readonly LoraPart[];
}

export interface FusedLinear {
  /** `[out, in]` in the compute type; one that is kept in 4 bits is made anew at each call. */
  readonly weight: () => Tensor;
  readonly bias: Tensor | null;
  readonly lora: FusedLora | null;
}

/** The modules with LoRA, in order. */
export const partsOf = (linears: readonly FusedLinear[]): readonly LoraPart[] =>
  linears.flatMap(({ lora }) => lora?.parts ?? []);

/** u of a layer: columns `offset` … of a matrix that its group may share. */
interface Low {
  readonly u: Tensor;
  readonly offset: number;
}

const NOTHING_DROPPED = { rate: 0, seed: 0 };

const rankOf = ({ a }: Pick<LoraPart, 'a'>): number => a.shape[0]!;

const droppedInput = (x: Tensor, { dropout }: LoraPart): Tensor =>
  dropout === null ? x : kernels().dropout(x, dropout);

/** x·A of every layer that has LoRA: one matrix for all of them, or one each where there is dropout. */
export function lowRank(
  x: Tensor,
  linears: readonly FusedLinear[],
  out: ComputeType,
): readonly Tensor[] {
  const loras = linears.flatMap(({ lora }) => (lora === null ? [] : [lora]));
  if (loras.length === 0) return [];
  if (partsOf(linears).some(({ dropout }) => dropout !== null)) {
    const lowOf = (part: LoraPart) => {
      const product = { a: droppedInput(x, part), b: part.a, transpose: true };
      return kernels().gemm([product], { out });
    };
    return loras.map(({ parts }) => tf.tidy(() => joined(parts.map(lowOf), 1)));
  }
  return [kernels().gemm([{ a: x, b: stackedA(loras), transpose: true }], { out })];
}

/** A of each, one below the other. */
export function stackedA(loras: readonly Pick<FusedLora, 'a'>[]): Tensor {
  const rows = loras.map(({ a }) => a);
  return joined(rows, 0);
}

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
    const { b, scale: alpha } = lora;
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
  /** d a and d b of each module with LoRA, in order, in their type; row-major, of any shape. */
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
    const { b, scale: alpha } = lora;
    const v = kernels().gemm([{ a: dy, b, transpose: false, alpha }], { out: compute });
    const db = kernels().gemmOverRows(
      { a: u, b: dy },
      { columns, offset, alpha, transposeOut: true },
    );
    branches.push({ v, lora, db });
  }
  const pairs = (das: readonly Tensor[]) => {
    const dbs = branches.flatMap(blocksOf);
    return das.flatMap((da, i) => [da, dbs[i]!]);
  };
  if (partsOf(linears).every(({ dropout }) => dropout === null)) {
    const low = joinedBranches(branches);
    if (low === null) return { dx: product([], output), gradients: [] };
    const das = joinedDa(low, x, branches);
    return { dx: product([low], output), gradients: pairs(das) };
  }
  let dx = product([], { out: compute });
  const das = branches.flatMap(({ v, lora }) => {
    const vs = parted(v, lora.parts.map(rankOf), 1);
    return lora.parts.map((part, i) => {
      const columns = rankOf(part);
      const back = kernels().gemm([{ a: vs[i]!, b: part.a, transpose: false }], { out: compute });
      dx = kernels().dropout(back, { ...(part.dropout ?? NOTHING_DROPPED), addend: dx });
      return kernels().gemmOverRows({ a: vs[i]!, b: droppedInput(x, part) }, { columns });
    });
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
): (Product & { readonly columns: number }) | null {
  if (branches.length === 0) return null;
  const vs = branches.map(({ v }) => v);
  const a = joined(vs, 1);
  const b = stackedA(branches.map(({ lora }) => lora));
  return { a, b, transpose: false, columns: b.shape[0]! };
}

/** The gradient to B of each part: its block of the diagonal. */
function blocksOf({ db, lora }: Branch): readonly Tensor[] {
  let column = 0;
  return lora.parts.map(({ b, row }) => {
    const block = cut(db, [row, column], b.shape);
    column += b.shape[1]!;
    return block;
  });
}

/** dA of each part, `[r · in]`, by one product: of all together the shape changes once. */
function joinedDa(
  low: Product & { readonly columns: number },
  x: Tensor,
  branches: readonly Branch[],
): readonly Tensor[] {
  const all = kernels().gemmOverRows({ a: low.a, b: x }, { columns: low.columns });
  const sizes = branches.flatMap(({ lora }) => lora.parts.map(({ a }) => a.size));
  return parted(reshaped(all, [all.size]), sizes, 0);
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
