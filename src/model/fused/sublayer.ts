/**
 * What attention and MLP have in common: y = x + c·post(W·core(pre(x))), with norms before or after as the
 * architecture has them, c the residual scale, and W the last linear layer. The trace of a forward pass is what
 * the gradient reads; the result itself is none of it, so that a pass that computes a trace again can stop
 * before the last product. A norm after has no bias.
 */
import {
  castTo,
  centred,
  kernels,
  type NormGradientInputs,
  type Tensor,
} from '../../tensor/index.js';
import { normBias } from '../spec-modules.js';
import type { FusedContext } from './fused-source.js';
import {
  backwardGroup,
  type FusedLinear,
  forwardGroup,
  type GroupOutput,
  lowRank,
} from './linear-group.js';

/** What stands between the norm and the last linear layer. */
export interface Inner {
  /** The last one takes the core, unless `result` does. */
  readonly linears: readonly FusedLinear[];
  /** Names of what else is trained, whose gradients `backward` gives last; absent: nothing. */
  readonly trained?: readonly string[];
  /**
   * @param h `[T, H]` in the compute type. @param linears Without the last.
   */
  forward(h: Tensor, linears: readonly FusedLinear[], use: { readonly keeps: boolean }): InnerTrace;
  /** The core again, from what is saved; of no concern where `result` takes it. */
  coreOf(saved: readonly Tensor[]): Tensor;
  /** What else than a linear layer makes of the core, `[T, H]` float32. */
  readonly result?: (core: Tensor, saved: readonly Tensor[]) => Tensor;
  /** @param dcore In the compute type; where `result` takes the core, the gradient to what that gave. @param output Of the gradient to h. */
  backward(
    args: { readonly h: Tensor; readonly dcore: Tensor; readonly saved: readonly Tensor[] },
    linears: readonly FusedLinear[],
    output: GroupOutput,
  ): { readonly dh: Tensor; readonly gradients: readonly Tensor[] };
}

/** What an earlier pass over the same input left: it is not computed again. */
export type Kept = Pick<SublayerTrace, 'saved'> &
  Partial<Pick<SublayerTrace, 'lows' | 'projected'>>;

export interface TraceUse {
  readonly kept?: Kept | undefined;
  /** Whether a gradient will read the trace; what serves it alone is empty otherwise. */
  readonly keeps: boolean;
}

interface InnerTrace {
  /** `[T, in]` of the last linear layer, in the compute type. */
  readonly core: Tensor;
  readonly saved: readonly Tensor[];
}

export interface SublayerTrace extends InnerTrace {
  readonly h: Tensor;
  /** Of the norm before, where it is kept. */
  readonly rate: Tensor | null;
  /** Low-rank products of the last linear layer. */
  readonly lows: readonly Tensor[];
  /** What `result` or the last layer gives, where a norm follows it. */
  readonly projected: Tensor | null;
}

export interface SublayerNorms {
  /** Names of norm weights, or null where there is none. */
  readonly pre: string | null;
  readonly post: string | null;
}

/** What of a trace saves the gradient products; the norm is computed again. */
export const keptOf = ({ saved, lows, projected }: SublayerTrace): Kept => ({
  saved,
  lows,
  projected,
});

export class Sublayer {
  readonly inner: Inner;
  private readonly context: FusedContext;
  private readonly pre: Tensor | null;
  /** Bias of the norm before. */
  private readonly shift: Tensor | null;
  private readonly post: Tensor | null;

  constructor(parts: { inner: Inner; norms: SublayerNorms; context: FusedContext }) {
    const { inner, norms, context } = parts;
    this.inner = inner;
    this.context = context;
    this.pre = norms.pre === null ? null : context.float32(norms.pre);
    const isShifted = norms.pre !== null && context.spec.normBias;
    this.shift = isShifted ? context.float32(normBias(norms.pre)) : null;
    this.post = norms.post === null ? null : context.float32(norms.post);
  }

  /** @param x `[T, H]` float32 @returns h `[T, H]` in the compute type */
  private inputOf(x: Tensor): Pick<SublayerTrace, 'h' | 'rate'> {
    const { compute } = this.context;
    if (this.pre === null) return { h: castTo(x, 'float32', compute), rate: null };
    const { shift } = this;
    const form = { ...this.form, out: shift === null ? compute : ('float32' as const) };
    const taken = this.normInput(x);
    const rate = kernels().normRate(taken, this.pre, form);
    const normed = kernels().norm(taken, this.pre, form, rate);
    return { h: shift === null ? normed : castTo(normed.add(shift), 'float32', compute), rate };
  }

  private normInput(x: Tensor): Tensor {
    return this.context.spec.centredNorms ? centred(x) : x;
  }

  /** @param x `[T, H]` float32 */
  trace(x: Tensor, linears: readonly FusedLinear[], { kept, keeps }: TraceUse): SublayerTrace {
    const { compute } = this.context;
    const { h, rate } = this.inputOf(x);
    const { core, saved } =
      kept === undefined
        ? this.inner.forward(h, linears.slice(0, -1), { keeps })
        : { core: this.inner.coreOf(kept.saved), saved: kept.saved };
    const last = linears.slice(-1);
    const lows = kept?.lows ?? lowRank(core, last, compute);
    const { result } = this.inner;
    const project = () =>
      result === undefined
        ? forwardGroup({ x: core, lows }, last, { out: compute })[0]!
        : castTo(result(core, saved), 'float32', compute);
    const projected = this.post === null ? null : (kept?.projected ?? project());
    return { h, rate, core, saved, lows, projected };
  }

  /** @param x What the result joins. @returns y, `[T, H]` float32 */
  result(
    x: Tensor,
    { core, saved, lows, projected }: SublayerTrace,
    linears: readonly FusedLinear[],
  ): Tensor {
    const { residualScale: outScale } = this.context.spec;
    if (projected !== null) {
      const normed = kernels().norm(projected, this.post!, { ...this.form, out: 'float32' });
      return x.add(scaled(normed, outScale));
    }
    const { result } = this.inner;
    if (result !== undefined) return x.add(scaled(result(core, saved), outScale));
    const output: GroupOutput = { out: 'float32', residual: x, outScale };
    return forwardGroup({ x: core, lows }, linears.slice(-1), output)[0]!;
  }

  /**
   * @param dy `[T, H]` float32 @param through The gradient that the one to x joins; default dy
   * @returns dx float32, and for each layer with LoRA, in order, the gradients to its A and B as they are taken
   */
  gradient(
    {
      x,
      dy,
      trace,
      through = dy,
    }: {
      readonly x: Tensor;
      readonly dy: Tensor;
      readonly trace: SublayerTrace;
      readonly through?: Tensor;
    },
    linears: readonly FusedLinear[],
  ): { readonly dx: Tensor; readonly gradients: readonly Tensor[] } {
    const { compute } = this.context;
    const { h, rate, core, saved, lows } = trace;
    const dlast = this.upstream(dy, trace);
    const last =
      this.inner.result !== undefined
        ? { dx: dlast, gradients: [] }
        : backwardGroup(
            { x: core, dys: [dlast], linears: linears.slice(-1), lows },
            { out: compute, compute },
          );
    const output: GroupOutput =
      this.pre === null ? { out: 'float32', residual: through } : { out: compute };
    const inner = { h, dcore: last.dx, saved };
    const { dh, gradients } = this.inner.backward(inner, linears.slice(0, -1), output);
    const dx = this.pre === null ? dh : this.throughNorm({ x, w: this.pre, dy: dh, rate }, through);
    return { dx, gradients: [...gradients, ...last.gradients] };
  }

  /** The gradient to what the norm before takes, and what it joins. */
  private throughNorm(args: NormGradientInputs, through: Tensor): Tensor {
    const form = { ...this.form, out: 'float32' } as const;
    if (!this.context.spec.centredNorms) {
      return kernels().normGradient({ ...args, extra: through }, form);
    }
    const dx = kernels().normGradient({ ...args, x: this.normInput(args.x) }, form);
    return centred(dx).add(through);
  }

  /** The gradient to what `result` or the last layer gives. */
  private upstream(dy: Tensor, { projected }: SublayerTrace): Tensor {
    const { spec, compute } = this.context;
    const d = scaled(dy, spec.residualScale);
    if (projected === null) return castTo(d, 'float32', compute);
    const args = { x: projected, w: this.post!, dy: d };
    return kernels().normGradient(args, { ...this.form, out: compute });
  }

  private get form() {
    const { normEps: eps, normOffset: offset } = this.context.spec;
    return { eps, offset };
  }
}

const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : x.mul(factor));
