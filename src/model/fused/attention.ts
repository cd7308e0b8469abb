/** Self-attention of a layer by our own operations: projections, norms on heads, rotary embedding, softmax. */
import { type AttentionShape, kernels, type Tensor } from '../../tensor/index.js';
import { columnsOf, joinColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, forwardGroup, lowRank } from './linear-group.js';
import type { Inner } from './sublayer.js';

/** Queries or keys from their projection to what attention takes, and back. */
class HeadForm {
  private readonly context: FusedContext;
  private readonly norm: Tensor | null;
  private readonly rope: number | null;

  constructor(context: FusedContext, layer: number, name: 'q_norm' | 'k_norm') {
    const { qkNorm, layers } = context.spec;
    this.context = context;
    this.rope = layers[layer]!.rope;
    const weight = `model.layers.${layer}.self_attn.${name}.weight`;
    this.norm = qkNorm === 'none' ? null : context.norm(weight);
  }

  private get form() {
    const { spec, compute } = this.context;
    return { eps: spec.normEps, offset: spec.normOffset, out: compute };
  }

  private rotated(x: Tensor, sign: 1 | -1): Tensor {
    if (this.rope === null) return x;
    const { geometry, spec } = this.context;
    return kernels().rope(x, geometry.rotations[this.rope]!, { headDim: spec.headDim, sign });
  }

  apply(x: Tensor): Tensor {
    return this.rotated(this.norm === null ? x : kernels().norm(x, this.norm, this.form), 1);
  }

  /** @param x The projection, needed where there is a norm. */
  gradient(dy: Tensor, x: Tensor | null): Tensor {
    const back = this.rotated(dy, -1);
    if (this.norm === null) return back;
    return kernels().normGradient({ x: x!, w: this.norm, dy: back }, this.form);
  }
}

export function fusedAttention(context: FusedContext, layer: number): Inner {
  const { spec, compute, geometry } = context;
  const prefix = `model.layers.${layer}.self_attn`;
  const names = spec.fusedProjections ? ['qkv_proj'] : ['q_proj', 'k_proj', 'v_proj'];
  const count = names.length;
  const widths = [spec.numHeads, spec.numKvHeads, spec.numKvHeads].map((n) => n * spec.headDim);
  const shape: AttentionShape = {
    heads: spec.numHeads,
    kvHeads: spec.numKvHeads,
    scale: spec.attentionScale,
    softcap: spec.attentionSoftcap,
    window: spec.layers[layer]!.window,
  };
  const attendedCount = kernels().attentionResults;
  const hasNorm = spec.qkNorm !== 'none';
  const queryForm = new HeadForm(context, layer, 'q_norm');
  const keyForm = new HeadForm(context, layer, 'k_norm');
  return {
    linears: [...names, 'o_proj'].map((name) => context.linear(`${prefix}.${name}`)),
    forward(h, linears) {
      const lows = lowRank(h, linears, compute);
      const outputs = forwardGroup({ x: h, lows }, linears, { out: compute });
      const [q, k, v] = columnsOf(outputs, widths);
      const [query, key] = [queryForm.apply(q!), keyForm.apply(k!)];
      const attended = kernels().attention({ q: query, k: key, v: v! }, geometry, shape);
      const norms = hasNorm ? [q!, k!] : [];
      return { core: attended[0]!, saved: [...attended, query, key, v!, ...norms, ...lows] };
    },
    coreOf: (saved) => saved[0]!,
    backward({ h, dcore, saved }, linears, output) {
      const lows = [...saved];
      const attended = lows.splice(0, attendedCount);
      const [q, k, v] = lows.splice(0, 3) as [Tensor, Tensor, Tensor];
      const [qIn = null, kIn = null] = lows.splice(0, hasNorm ? 2 : 0);
      const args = { q, k, v, saved: attended, dy: dcore };
      const [dq, dk, dv] = kernels().attentionGradient(args, geometry, shape);
      const parts = [queryForm.gradient(dq!, qIn), keyForm.gradient(dk!, kIn), dv!];
      const dys = joinColumns(parts, count);
      const { dx, gradients } = backwardGroup({ x: h, dys, linears, lows }, { ...output, compute });
      return { dh: dx, gradients };
    },
  };
}
