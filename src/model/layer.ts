/**
 * One decoder layer on tensors, read off the `DecoderSpec`: what mixes tokens and MLP, each with its norms,
 * joined to the residual stream. Parameters come by their Hugging Face names.
 */
import {
  attention,
  centred,
  gatedActivation,
  type LoraBranch,
  linear,
  rmsNorm,
  rope,
  shortConvolution,
  type Tensor,
  tf,
} from '../tensor/index.js';
import { mixtureOfExperts } from './experts.js';
import { gatedDelta } from './gated-delta.js';
import type { BatchGeometry } from './geometry.js';
import type { Routers } from './routers.js';
import type { AttentionLayer, DecoderSpec, GatedDeltaLayer, ShortConvLayer } from './spec.js';
import {
  convWeights,
  headNorms,
  type LinearModule,
  layerNorms,
  linearGroups,
  type NormWeight,
  normBias,
  sinksOf,
} from './spec-modules.js';

/** Where a layer finds its parameters and what it may train. */
export interface ParameterSource {
  /** A weight kept in 4 bits is made anew at each call. @throws Error when the name is unknown. */
  get(name: string): Tensor;
  has(name: string): boolean;
  trainable(name: string): boolean;
  lora(module: string): LoraBranch | null;
}

/** What layers know of the batch that goes through them. */
export interface LayerInputs {
  readonly geometry: BatchGeometry;
  /** Null where there are no experts. */
  readonly routers: Routers | null;
}

export class LayerForward {
  private readonly spec: DecoderSpec;
  private readonly source: ParameterSource;
  private readonly geometry: BatchGeometry;
  private readonly routers: Routers | null;

  constructor(spec: DecoderSpec, source: ParameterSource, { geometry, routers }: LayerInputs) {
    this.spec = spec;
    this.source = source;
    this.geometry = geometry;
    this.routers = routers;
  }

  /** @param x `[T, H]` @returns `[T, H]` */
  run(x: Tensor, layer: number): Tensor {
    const norms = layerNorms(this.spec, layer);
    const mixed = this.mix(this.normed(x, norms.beforeAttention), layer);
    const middle = this.join(x, this.normed(mixed, norms.afterAttention));
    const taken = this.spec.parallelMlp ? x : middle;
    const projected = this.feedForward(this.normed(taken, norms.beforeMlp), layer);
    return this.join(middle, this.normed(projected, norms.afterMlp));
  }

  private normed(x: Tensor, name: string | null): Tensor {
    return name === null ? x : this.norm(x, name);
  }

  norm(x: Tensor, name: string): Tensor {
    const { normEps: eps, normOffset: offset, centredNorms } = this.spec;
    const trainable = this.source.trainable(name);
    const form = { eps, offset, trainable };
    const normed = rmsNorm(centredNorms ? centred(x) : x, this.source.get(name), form);
    return this.spec.normBias ? normed.add(this.source.get(normBias(name))) : normed;
  }

  private join(x: Tensor, branch: Tensor): Tensor {
    return x.add(this.spec.residualScale === 1 ? branch : branch.mul(this.spec.residualScale));
  }

  private project(x: Tensor, { module, bias }: LinearModule): Tensor {
    return linear(x, () => this.source.get(`${module}.weight`), {
      bias: bias ? this.source.get(`${module}.bias`) : null,
      lora: this.source.lora(module),
      trainable: this.source.trainable(`${module}.weight`),
    });
  }

  private mix(x: Tensor, layer: number): Tensor {
    const mixer = this.spec.layers[layer]!;
    switch (mixer.mixer) {
      case 'attention':
        return this.attend(x, layer, mixer);
      case 'short_conv':
        return this.convolve(x, layer, mixer);
      case 'gated_delta':
        return this.delta(x, layer, mixer);
    }
  }

  /** Queries (with their gates), keys and values of `x`, `[T, heads·D]` each. */
  private queriesKeysValues(x: Tensor, modules: readonly LinearModule[]): Tensor[] {
    const outputs = modules.map((module) => this.project(x, module));
    if (outputs.length > 1) return outputs;
    const { numHeads, numKvHeads, headDim } = this.spec;
    const widths = [numHeads, numKvHeads, numKvHeads].map((heads) => heads * headDim);
    return tf.split(outputs[0]!, widths, 1);
  }

  private attend(x: Tensor, layer: number, { rope: ropeIndex, window }: AttentionLayer): Tensor {
    const { spec, geometry } = this;
    const { mixerIn, mixerOut } = linearGroups(spec, layer);
    const [first, keys, v] = this.queriesKeysValues(x, mixerIn) as [Tensor, Tensor, Tensor];
    const [queries, gate] = spec.attentionGate ? ungated(first, spec.headDim) : [first, null];
    const [qNorm, kNorm] = headNorms(spec, layer) ?? [];
    const sinks = sinksOf(spec, layer);
    const rotated = (y: Tensor): Tensor =>
      ropeIndex === null ? y : rope(y, geometry.rotations[ropeIndex]!, spec.headDim);
    const placed = (y: Tensor, norm: NormWeight | undefined): Tensor => {
      if (norm === undefined) return rotated(y);
      return spec.qkNormLast ? this.headNorm(rotated(y), norm) : rotated(this.headNorm(y, norm));
    };
    const heads = { q: placed(queries, qNorm), k: placed(keys, kNorm), v };
    const attended = attention(heads, geometry, {
      heads: spec.numHeads,
      kvHeads: spec.numKvHeads,
      scale: spec.attentionScale,
      softcap: spec.attentionSoftcap,
      window,
      sinks: sinks === null ? null : this.source.get(sinks),
    });
    return this.project(gate === null ? attended : attended.mul(tf.sigmoid(gate)), mixerOut);
  }

  /** RMSNorm on queries or keys, `[T, heads·D]`, over each head or the whole. */
  private headNorm(x: Tensor, { name, length }: NormWeight): Tensor {
    return this.norm(x.reshape([-1, length]), name).reshape(x.shape);
  }

  private convolve(x: Tensor, layer: number, mixer: ShortConvLayer): Tensor {
    const { source, geometry: layout } = this;
    const { mixerIn, mixerOut } = linearGroups(this.spec, layer);
    const [b, c, value] = tf.split(this.project(x, mixerIn[0]!), 3, 1) as [Tensor, Tensor, Tensor];
    const { kernel, bias } = convWeights(this.spec, layer, mixer);
    const trainable = source.trainable(kernel);
    const mixed = shortConvolution(b.mul(value), source.get(kernel), { layout, trainable });
    const biased = bias === null ? mixed : mixed.add(source.get(bias));
    return this.project(c.mul(biased), mixerOut);
  }

  private delta(x: Tensor, layer: number, mixer: GatedDeltaLayer): Tensor {
    const { spec, source, geometry } = this;
    const { mixerIn, mixerOut } = linearGroups(spec, layer);
    const [qkv, z, b, a] = mixerIn.map((module) => this.project(x, module));
    const inputs = { qkv: qkv!, z: z!, b: b!, a: a! };
    return this.project(gatedDelta(inputs, source, { spec, geometry, layer, mixer }), mixerOut);
  }

  private feedForward(x: Tensor, layer: number): Tensor {
    const { spec, source, routers } = this;
    const { mlp } = linearGroups(spec, layer);
    if (mlp === null) return mixtureOfExperts(x, source, { spec, layer, routers: routers! });
    const { gateUp, down } = mlp;
    const outputs = gateUp.map((module) => this.project(x, module));
    const [gate, up] = spec.fusedProjections.gateUp ? tf.split(outputs[0]!, 2, 1) : outputs;
    const gated = up ?? (spec.mlpGate === 'none' ? tf.onesLike(gate!) : gate!);
    return this.project(gatedActivation(gate!, gated, spec.activation), down);
  }
}

/** Queries and their gates, `[T, heads·D]` each, out of `[T, heads·2·D]`. */
function ungated(x: Tensor, headDim: number): [Tensor, Tensor] {
  const [tokens, width] = x.shape as [number, number];
  const pairs = x.reshape([-1, 2 * headDim]);
  const [queries, gate] = tf.split(pairs, 2, 1) as [Tensor, Tensor];
  return [queries.reshape([tokens, width / 2]), gate.reshape([tokens, width / 2])];
}
