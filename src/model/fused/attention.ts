/** Self-attention of a layer by our own operations: projections, norms on heads, rotary embedding, softmax. */
import { type AttentionShape, kernels, type Tensor } from '../../tensor/index.js';
import type { AttentionLayer } from '../spec.js';
import { headNorms, linearGroups, sinksOf } from '../spec-modules.js';
import { AttentionGate } from './attention-gate.js';
import { inColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup, lowRank } from './linear-group.js';
import type { Inner } from './sublayer.js';

/** Queries, keys and values from their projections to what attention takes, and back. */
class HeadForm {
  private readonly context: FusedContext;
  /** Of queries and of keys. */
  private readonly norms: readonly [Tensor, Tensor] | null;
  private readonly rope: number | null;
  private readonly widths: readonly number[];

  constructor(context: FusedContext, layer: number, { rope }: AttentionLayer) {
    const { headDim, numHeads, numKvHeads } = context.spec;
    this.context = context;
    this.rope = rope;
    const norms = headNorms(context.spec, layer);
    this.norms = norms && [context.float32(norms[0].name), context.float32(norms[1].name)];
    this.widths = [numHeads, numKvHeads, numKvHeads].map((heads) => heads * headDim);
  }

  private get form() {
    const { spec, compute } = this.context;
    return { eps: spec.normEps, offset: spec.normOffset, out: compute };
  }

  private rotated(tensors: readonly Tensor[], sign: 1 | -1): readonly Tensor[] {
    const heads = inColumns(tensors, kernels().headTensors, this.widths);
    if (this.rope === null) return heads;
    const { geometry, spec } = this.context;
    const rotate = (x: Tensor, still: number): Tensor =>
      kernels().rope(x, geometry.rotations[this.rope!]!, { headDim: spec.headDim, sign, still });
    if (heads.length === 1) return [rotate(heads[0]!, spec.numKvHeads)];
    const [q, k, v] = heads as [Tensor, Tensor, Tensor];
    return [rotate(q, 0), rotate(k, 0), v];
  }

  /** @returns What attention takes, and queries and keys before their norms */
  apply(outputs: readonly Tensor[]): {
    readonly heads: readonly Tensor[];
    readonly before: readonly Tensor[];
  } {
    if (this.norms === null) return { heads: this.rotated(outputs, 1), before: [] };
    const { qkNormLast } = this.context.spec;
    const all = qkNormLast ? this.rotated(outputs, 1) : outputs;
    const [q, k, v] = inColumns(all, 3, this.widths) as [Tensor, Tensor, Tensor];
    const [qNorm, kNorm] = this.norms;
    const normed = [kernels().norm(q, qNorm, this.form), kernels().norm(k, kNorm, this.form), v];
    const heads = qkNormLast
      ? inColumns(normed, kernels().headTensors, this.widths)
      : this.rotated(normed, 1);
    return { heads, before: [q, k] };
  }

  /** @param before As `apply` gave it. @returns Gradients to as many outputs */
  gradient(
    dheads: readonly Tensor[],
    before: readonly Tensor[],
    outputs: number,
  ): readonly Tensor[] {
    const { norms } = this;
    if (norms === null) return inColumns(this.rotated(dheads, -1), outputs, this.widths);
    const { qkNormLast } = this.context.spec;
    const back = qkNormLast ? dheads : this.rotated(dheads, -1);
    const [dq, dk, dv] = inColumns(back, 3, this.widths) as [Tensor, Tensor, Tensor];
    const normed = [dq, dk].map((dy, i) =>
      kernels().normGradient({ x: before[i]!, w: norms[i]!, dy }, this.form),
    );
    const through = [...normed, dv];
    return inColumns(qkNormLast ? this.rotated(through, -1) : through, outputs, this.widths);
  }
}

export function fusedAttention(context: FusedContext, layer: number, mixer: AttentionLayer): Inner {
  const { spec, compute, geometry } = context;
  const { mixerIn, mixerOut } = linearGroups(spec, layer);
  const sinks = sinksOf(spec, layer);
  const shape: AttentionShape = {
    heads: spec.numHeads,
    kvHeads: spec.numKvHeads,
    scale: spec.attentionScale,
    softcap: spec.attentionSoftcap,
    window: mixer.window,
    sinks: sinks === null ? null : context.float32(sinks),
  };
  const form = new HeadForm(context, layer, mixer);
  const gate = new AttentionGate(context);
  return {
    linears: [...context.linears(mixerIn), ...context.linears([mixerOut])],
    forward(h, linears) {
      const lows = lowRank(h, linears, compute);
      const outputs = forwardGroup({ x: h, lows }, linears, { out: compute });
      const { gates, ungated } = gate.apart(outputs);
      const { heads, before } = form.apply(ungated);
      const attended = kernels().attention(heads, geometry, shape);
      const core = gate.apply(attended[0]!, gates);
      return { core, saved: [...gates, ...attended, ...heads, ...before, ...lows] };
    },
    coreOf: (saved) => gate.apply(saved[gate.count]!, saved.slice(0, gate.count)),
    backward({ h, dcore, saved: all }, linears, options) {
      const lows = [...all];
      const gates = lows.splice(0, gate.count);
      const saved = lows.splice(0, kernels().attentionResults);
      const heads = lows.splice(0, kernels().headTensors);
      const before = lows.splice(0, spec.qkNorm === 'none' ? 0 : 2);
      const { dy, dgates } = gate.gradient(saved[0]!, gates, dcore);
      const dheads = kernels().attentionGradient({ heads, saved, dy }, geometry, shape);
      const dungated = form.gradient(dheads, before, gate.count === 0 ? linears.length : 3);
      const dys = gate.joined(dungated, dgates, linears.length);
      const args = { x: h, dys, linears, lows };
      const { dx, gradients } = backwardGroup(args, { ...options, compute });
      return { dh: dx, gradients };
    },
  };
}
