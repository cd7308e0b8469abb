/**
 * One decoder layer on tensors, read off the `DecoderSpec`: attention and MLP, each with its norms,
 * joined to the residual stream. Parameters come by their Hugging Face names.
 */
import {
  attention,
  gatedActivation,
  type LoraBranch,
  linear,
  rmsNorm,
  rope,
  type Tensor,
  tf,
} from '../tensor/index.js';
import type { BatchGeometry } from './geometry.js';
import { type DecoderSpec, layerNorms } from './spec.js';

/** Where a layer finds its parameters and what it may train. */
export interface ParameterSource {
  /** A weight kept in 4 bits is made anew at each call. @throws Error when the name is unknown. */
  get(name: string): Tensor;
  has(name: string): boolean;
  trainable(name: string): boolean;
  lora(module: string): LoraBranch | null;
}

export class LayerForward {
  private readonly spec: DecoderSpec;
  private readonly source: ParameterSource;
  private readonly geometry: BatchGeometry;

  constructor(spec: DecoderSpec, source: ParameterSource, geometry: BatchGeometry) {
    this.spec = spec;
    this.source = source;
    this.geometry = geometry;
  }

  /** @param x `[T, H]` @returns `[T, H]` */
  run(x: Tensor, layer: number): Tensor {
    const norms = layerNorms(this.spec, layer);
    const attended = this.attend(this.normed(x, norms.beforeAttention), layer);
    const middle = this.join(x, this.normed(attended, norms.afterAttention));
    const projected = this.mlp(this.normed(middle, norms.beforeMlp), `model.layers.${layer}.mlp`);
    return this.join(middle, this.normed(projected, norms.afterMlp));
  }

  private normed(x: Tensor, name: string | null): Tensor {
    return name === null ? x : this.norm(x, name);
  }

  norm(x: Tensor, name: string): Tensor {
    const { normEps: eps, normOffset: offset } = this.spec;
    return rmsNorm(x, this.source.get(name), {
      eps,
      offset,
      trainable: this.source.trainable(name),
    });
  }

  private join(x: Tensor, branch: Tensor): Tensor {
    return x.add(this.spec.residualScale === 1 ? branch : branch.mul(this.spec.residualScale));
  }

  private project(x: Tensor, module: string): Tensor {
    const bias = `${module}.bias`;
    return linear(x, () => this.source.get(`${module}.weight`), {
      bias: this.source.has(bias) ? this.source.get(bias) : null,
      lora: this.source.lora(module),
      trainable: this.source.trainable(`${module}.weight`),
    });
  }

  /** Three projections of `x`, `[T, heads·D]` each. */
  private queriesKeysValues(x: Tensor, prefix: string): Tensor[] {
    if (!this.spec.fusedProjections) {
      return ['q_proj', 'k_proj', 'v_proj'].map((name) => this.project(x, `${prefix}.${name}`));
    }
    const { numHeads, numKvHeads, headDim } = this.spec;
    const widths = [numHeads, numKvHeads, numKvHeads].map((heads) => heads * headDim);
    return tf.split(this.project(x, `${prefix}.qkv_proj`), widths, 1);
  }

  private attend(x: Tensor, layer: number): Tensor {
    const { spec, geometry } = this;
    const prefix = `model.layers.${layer}.self_attn`;
    const { rope: ropeIndex, window } = spec.layers[layer]!;
    const [queries, keys, v] = this.queriesKeysValues(x, prefix) as [Tensor, Tensor, Tensor];
    const placed = (y: Tensor, heads: number, normName: string): Tensor => {
      const normed = this.headNorm(y, heads, normName);
      if (ropeIndex === null) return normed;
      return rope(normed, geometry.rotations[ropeIndex]!, spec.headDim);
    };
    const q = placed(queries, spec.numHeads, `${prefix}.q_norm.weight`);
    const k = placed(keys, spec.numKvHeads, `${prefix}.k_norm.weight`);
    const attended = attention({ q, k, v }, geometry, {
      heads: spec.numHeads,
      kvHeads: spec.numKvHeads,
      scale: spec.attentionScale,
      softcap: spec.attentionSoftcap,
      window,
    });
    return this.project(attended, `${prefix}.o_proj`);
  }

  /** RMSNorm on queries or keys, `[T, heads·D]`, where the spec has it. */
  private headNorm(x: Tensor, heads: number, normName: string): Tensor {
    if (this.spec.qkNorm === 'none') return x;
    if (this.spec.qkNorm === 'full') return this.norm(x, normName);
    return this.norm(x.reshape([-1, heads, this.spec.headDim]), normName).reshape(x.shape);
  }

  private mlp(x: Tensor, prefix: string): Tensor {
    const [gate, up] = this.spec.fusedProjections
      ? tf.split(this.project(x, `${prefix}.gate_up_proj`), 2, 1)
      : [this.project(x, `${prefix}.gate_proj`), this.project(x, `${prefix}.up_proj`)];
    return this.project(gatedActivation(gate!, up!, this.spec.activation), `${prefix}.down_proj`);
  }
}
