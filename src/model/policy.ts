/**
 * The model under training: frozen base weights, trained parameters (LoRA or all), log-probabilities
 * of given tokens, and gradients of any loss that is a function of them.
 *
 * The reverse pass walks over segments of layers. All segments but the last are computed forward without
 * a tape and recomputed in the backward pass (activation checkpointing, Chen et al. 2016); the last one
 * runs with the head and the loss on one tape. One segment means no recomputation. Leaves out: packing.
 */
import {
  LOGP,
  type LoraBranch,
  ParameterVector,
  type Tensor,
  tf,
  tokenScores,
} from '../tensor/index.js';
import { type HostTensor, toFloat32 } from '../weights/index.js';
import { dropout } from './dropout.js';
import { embeddingNoise } from './embedding-noise.js';
import { GeometryCache } from './geometry.js';
import { LayerForward, type ParameterSource } from './layer.js';
import { type LoraPlan, loraA, loraB, loraMagnitude } from './lora.js';
import type {
  AdapterChoice,
  GradientOptions,
  Gradients,
  ScoreOptions,
  TokenLoss,
} from './policy-types.js';
import { untied } from './replaced.js';
import { type Segment, segmentParameters, segmentsOf } from './segments.js';
import { type DecoderSpec, EMBEDDING, FINAL_NORM, LM_HEAD, parameterShapes } from './spec.js';
import type { TokenBatch } from './token-batch.js';

export interface PolicyOptions {
  readonly spec: DecoderSpec;
  readonly weights: (name: string) => HostTensor;
  /** LoRA with what it trains besides, or null to train every parameter. */
  readonly lora: LoraPlan | null;
  /** Initial values in the order of the plan's shapes; ignored for full training. */
  readonly initialLora: readonly Float32Array[];
  /** Keep a frozen copy of the initial values as the reference policy. */
  readonly keepReference?: boolean;
  /** Layers that are recomputed in the backward pass, counted from the first. */
  readonly checkpointedLayers: number;
  /** Scale of the noise on embeddings in training (NEFTune); default 0: none. */
  readonly neftuneNoiseAlpha?: number;
}

export class Policy {
  readonly spec: DecoderSpec;
  readonly parameters: ParameterVector;
  readonly lora: LoraPlan | null;
  private readonly frozen = new Map<string, Tensor>();
  private readonly reference: ParameterVector | null;
  private readonly geometries: GeometryCache;
  private readonly segments: readonly Segment[];
  private readonly names: readonly string[];
  private readonly noiseAlpha: number;

  constructor(options: PolicyOptions) {
    const { lora, initialLora } = options;
    const { spec, weights } = lora === null ? options : untied(options, lora);
    this.spec = spec;
    this.lora = lora;
    this.noiseAlpha = options.neftuneNoiseAlpha ?? 0;
    this.geometries = new GeometryCache(spec);
    const shapes = [...parameterShapes(spec)].map(([name, shape]) => ({ name, shape }));
    if (lora === null) {
      this.parameters = new ParameterVector(
        shapes,
        shapes.map(({ name }) => toFloat32(weights(name))),
      );
    } else {
      for (const { name, shape } of shapes) {
        const values = toFloat32(weights(name));
        this.frozen.set(name, tf.keep(tf.tensor(values, shape as number[])));
      }
      this.parameters = new ParameterVector(lora.shapes, initialLora);
    }
    const wantsReference = options.keepReference === true && lora !== null;
    this.reference = wantsReference ? new ParameterVector(lora.shapes, initialLora) : null;
    this.names = this.parameters.shapes.map(({ name }) => name);
    this.segments = segmentsOf(spec.layers.length, options.checkpointedLayers);
  }

  /**
   * Log-probabilities without gradients.
   * @returns `[M, 3]` on the host, row-major: log p, entropy, 1 where the target is the arg max.
   */
  async score(batch: TokenBatch, options: ScoreOptions = {}): Promise<Float32Array> {
    const scores = tf.tidy(() => {
      const source = this.source(this.activeLora(options.adapter ?? 'policy'), null);
      const forward = this.forwardOf(batch, source);
      let x = this.embed(batch, source, null);
      for (const layer of this.spec.layers.keys()) {
        const next = tf.tidy(() => forward.run(x, layer));
        x.dispose();
        x = next;
      }
      return this.head(x, batch, { source, forward, temperature: options.temperature ?? 1 });
    });
    const values = (await scores.data()) as Float32Array;
    scores.dispose();
    return values;
  }

  /** Loss, metrics and the gradient to every trained parameter for one micro-batch. */
  async gradients(
    batch: TokenBatch,
    lossOf: TokenLoss,
    options: GradientOptions = {},
  ): Promise<Gradients> {
    const names: string[] = [];
    const { gradient, report, logps } = tf.tidy(() => {
      const grads = new Map<string, Tensor>();
      const inputs = this.forwardSegments(batch, options.dropoutSeed ?? null);
      let dx: Tensor | null = null;
      let values: Tensor | null = null;
      let logp: Tensor | null = null;
      for (const [index, segment] of [...this.segments.entries()].reverse()) {
        const isLast = index === this.segments.length - 1;
        const x = inputs[index] ?? null;
        const outcome = this.segmentGradients({
          batch,
          segment,
          x,
          dropoutSeed: options.dropoutSeed ?? null,
          dy: dx,
          finish: isLast
            ? (hidden, context) => {
                const scores = this.head(hidden, batch, {
                  ...context,
                  temperature: options.temperature ?? 1,
                  ...(options.columns !== undefined && { columns: options.columns }),
                });
                const { loss, metrics } = lossOf(scores);
                names.push(...Object.keys(metrics));
                const flat = [loss, ...Object.values(metrics)].map((part) => part.reshape([1]));
                values = tf.keep(tf.concat(flat));
                logp = tf.keep(tf.slice(scores, [0, LOGP], [-1, 1]));
                return loss;
              }
            : null,
        });
        for (const [name, grad] of outcome.parameters) {
          const known = grads.get(name);
          grads.set(name, known === undefined ? grad : known.add(grad));
        }
        dx = outcome.dx;
        x?.dispose();
      }
      return { gradient: this.parameters.join(grads), report: values!, logps: logp! };
    });
    const [numbers, logpValues] = await Promise.all([report.data(), logps.data()]);
    tf.dispose([report, logps]);
    const metrics = Object.fromEntries(names.map((name, i) => [name, numbers[i + 1] as number]));
    return { gradient, loss: numbers[0] as number, metrics, logps: logpValues as Float32Array };
  }

  dispose(): void {
    tf.dispose([...this.frozen.values()]);
    this.parameters.dispose();
    this.reference?.dispose();
    this.geometries.dispose();
  }

  /** Inputs of every segment after the first, computed without a tape. */
  private forwardSegments(batch: TokenBatch, dropoutSeed: number | null): (Tensor | null)[] {
    const source = this.source(this.activeLora('policy'), dropoutSeed);
    const forward = this.forwardOf(batch, source);
    const inputs: (Tensor | null)[] = [null];
    for (const [index, { from, to }] of this.segments.slice(0, -1).entries()) {
      const start = inputs[index] ?? null;
      const x = tf.tidy(() => {
        let y = start ?? this.embed(batch, source, dropoutSeed);
        for (let layer = from; layer < to; layer++) y = forward.run(y, layer);
        return start === y ? y.clone() : y;
      });
      inputs.push(x);
    }
    return inputs;
  }

  private segmentGradients(args: {
    readonly batch: TokenBatch;
    readonly segment: Segment;
    readonly x: Tensor | null;
    readonly dropoutSeed: number | null;
    readonly dy: Tensor | null;
    readonly finish: ((hidden: Tensor, context: HeadContext) => Tensor) | null;
  }): { parameters: Map<string, Tensor>; dx: Tensor | null } {
    const { batch, segment, x, finish } = args;
    const names = segmentParameters(this.names, segment, this.spec);
    const views = this.parameters.views();
    const active = this.activeLora('policy');
    const run = (...tensors: Tensor[]): Tensor => {
      const traced = new Map(names.map((name, i) => [name, tensors[i + (x === null ? 0 : 1)]!]));
      const lookup = (name: string) => traced.get(name) ?? active?.(name);
      const source = this.source(active === null ? null : lookup, args.dropoutSeed, traced);
      const forward = this.forwardOf(batch, source);
      let y = x === null ? this.embed(batch, source, args.dropoutSeed) : tensors[0]!;
      for (let layer = segment.from; layer < segment.to; layer++) y = forward.run(y, layer);
      return finish === null ? y : finish(y, { source, forward });
    };
    const inputs = names.map((name) => views.get(name)!);
    if (x !== null) inputs.unshift(x);
    if (inputs.length === 0) return { parameters: new Map(), dx: null };
    const grads = tf.tidy(() => tf.grads(run)(inputs, args.dy ?? undefined));
    const dx = x === null ? null : grads.shift()!;
    return { parameters: new Map(names.map((name, i) => [name, grads[i]!])), dx };
  }

  private activeLora(choice: AdapterChoice): ((name: string) => Tensor | undefined) | null {
    if (this.lora === null || choice === 'off') return null;
    if (choice === 'policy') return (name) => this.parameters.views().get(name);
    if (this.reference === null) throw new Error('Policy: made without keepReference');
    const views = this.reference.views();
    return (name) => views.get(name);
  }

  private source(
    lora: ((name: string) => Tensor | undefined) | null,
    dropoutSeed: number | null,
    traced: ReadonlyMap<string, Tensor> = new Map(),
  ): ParameterSource {
    const full = this.lora === null;
    const views = full ? this.parameters.views() : this.frozen;
    const isReplaced = (name: string) => lora !== null && this.lora!.replaced.has(name);
    const find = (name: string) =>
      traced.get(name) ?? (isReplaced(name) ? lora!(name) : views.get(name));
    return {
      get: (name) => {
        const tensor = find(name);
        if (tensor === undefined) throw new Error(`Policy: no parameter "${name}"`);
        return tensor;
      },
      has: (name) => views.has(name),
      trainable: (name) => full || isReplaced(name),
      lora: (module) => (lora === null ? null : this.branch(module, lora, dropoutSeed)),
    };
  }

  private branch(
    module: string,
    lora: (name: string) => Tensor | undefined,
    dropoutSeed: number | null,
  ): LoraBranch | null {
    const target = this.lora?.targets.get(module);
    if (target === undefined) return null;
    const rate = this.lora!.config.loraDropout;
    const drop =
      dropoutSeed === null || rate === 0
        ? null
        : (x: Tensor) => dropout(x, { rate, key: [dropoutSeed, module] });
    const [a, b] = [lora(loraA(module))!, lora(loraB(module))!];
    const magnitude = this.lora!.config.useDora ? lora(loraMagnitude(module))! : null;
    return { a, b, scale: target.scale, magnitude, dropout: drop };
  }

  private forwardOf(batch: TokenBatch, source: ParameterSource): LayerForward {
    const geometry = this.geometries.get(batch.rows, batch.length);
    return new LayerForward(this.spec, source, geometry);
  }

  /** @param noiseSeed Of the embedding noise; null: none. */
  private embed(batch: TokenBatch, source: ParameterSource, noiseSeed: number | null): Tensor {
    const x = tf.gather(source.get(EMBEDDING), tf.tensor1d(batch.ids, 'int32'));
    const scaled = this.spec.embeddingScale === 1 ? x : x.mul(this.spec.embeddingScale);
    if (noiseSeed === null || this.noiseAlpha === 0) return scaled;
    const { noiseAlpha: alpha } = this;
    return scaled.add(embeddingNoise(x.shape, { alpha, length: batch.length, seed: noiseSeed }));
  }

  /** @returns Token scores, `[M, 3]`, or `[M, 4]` where `columns` names the mean log p. */
  private head(
    x: Tensor,
    batch: TokenBatch,
    options: HeadContext & Pick<GradientOptions, 'columns'> & { readonly temperature: number },
  ): Tensor {
    const { source, forward, temperature, columns } = options;
    const name = this.spec.tieWordEmbeddings ? EMBEDDING : LM_HEAD;
    const selected = tf.gather(x, tf.tensor1d(batch.positions, 'int32'));
    const hidden = forward.norm(selected, FINAL_NORM);
    return tokenScores(hidden, source.get(name), tf.tensor1d(batch.targets, 'int32'), {
      temperature,
      logitScale: this.spec.logitScale,
      softcap: this.spec.logitSoftcap,
      trainable: source.trainable(name),
      ...(columns !== undefined && { gradients: columns }),
    });
  }
}

interface HeadContext {
  readonly source: ParameterSource;
  readonly forward: LayerForward;
}
