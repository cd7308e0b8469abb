/**
 * The model under training: frozen base weights, trained parameters (LoRA or all), log-probabilities
 * of given tokens, and gradients of any loss that is a function of them.
 *
 * Batches are flat: tokens stand without padding, and each sees its own sequence only. The event loop turns before
 * each batch, so that signals arrive within a step, too.
 */
import { setImmediate as signalsDelivered } from 'node:timers/promises';
import {
  type ComputeType,
  type GradientColumn,
  LOGP,
  type ParameterVector,
  type Tensor,
  tf,
  throwExplained,
} from '../tensor/index.js';
import { FusedLayer } from './fused/index.js';
import { FusedWalk } from './fused-walk.js';
import { GeometryMaker } from './geometry.js';
import { LayerForward, type LayerInputs } from './layer.js';
import type { LoraPlan } from './lora.js';
import { PolicyEnds } from './policy-ends.js';
import { type ParameterView, PolicyParameters } from './policy-parameters.js';
import type { GradientOptions, Gradients, ScoreOptions, TokenLoss } from './policy-types.js';
import { untied } from './replaced.js';
import { Routers, type RouterUse } from './routers.js';
import { type Pass, SegmentWalk } from './segment-walk.js';
import type { DecoderSpec, Weighted } from './spec.js';
import type { TokenBatch } from './token-batch.js';

export interface PolicyOptions extends Weighted {
  /** LoRA with what it trains besides, or null to train every parameter. */
  readonly lora: LoraPlan | null;
  /** Initial values in the order of the plan's shapes; ignored for full training. */
  readonly initialLora: readonly Float32Array[];
  /** Keep a frozen copy of the initial values as the reference policy. */
  readonly keepReference?: boolean;
  /** Values that the reference has instead of the initial ones. */
  readonly initialReference?: readonly Float32Array[];
  /** Layers that are recomputed in the backward pass, counted from the first. */
  readonly checkpointedLayers: number;
  /** Scale of the noise on embeddings in training (NEFTune); default 0: none. */
  readonly neftuneNoiseAlpha?: number;
  /** Element type of matrices and products where layers are fused; default float32. */
  readonly compute?: ComputeType;
}

export class Policy {
  readonly spec: DecoderSpec;
  readonly lora: LoraPlan | null;
  readonly parameters: ParameterVector;
  /** The reference's copy of them; null where none is kept. */
  readonly reference: ParameterVector | null;
  private readonly store: PolicyParameters;
  private readonly geometries: GeometryMaker;
  private readonly ends: PolicyEnds;
  private readonly walk: FusedWalk | SegmentWalk;

  constructor(options: PolicyOptions) {
    const { lora, initialLora, keepReference = false, compute = 'float32' } = options;
    const { initialReference = initialLora } = options;
    const { spec, weights } = lora === null ? options : untied(options, lora);
    this.spec = spec;
    this.lora = lora;
    this.geometries = new GeometryMaker(spec);
    this.store = new PolicyParameters({
      spec,
      weights,
      lora,
      initialLora,
      initialReference: keepReference ? initialReference : null,
      compute,
    });
    this.ends = new PolicyEnds({
      spec,
      fused: this.store.fused,
      noiseAlpha: options.neftuneNoiseAlpha ?? 0,
    });
    this.parameters = this.store.trained;
    this.reference = this.store.reference;
    const { checkpointedLayers } = options;
    const names = this.parameters.shapes.map(({ name }) => name);
    const { ends } = this;
    this.walk =
      this.store.fused === null
        ? new SegmentWalk({ spec, ends, names, checkpointedLayers })
        : new FusedWalk({ ends, layers: spec.layers.length, checkpointedLayers });
  }

  /** Element type of layers with hand-written gradients; null where the tape takes each operation. */
  get fused(): ComputeType | null {
    return this.store.fused;
  }

  /**
   * Log-probabilities without gradients.
   * @returns `[M, 3]` on the host, row-major: log p, entropy, 1 where the target is the arg max; `[M, 4]` with
   *   `meanLogits` or `meanLogp`.
   */
  async score(batch: TokenBatch, options: ScoreOptions = {}): Promise<Float32Array> {
    const { adapter = 'policy', temperature = 1, meanLogits = false, meanLogp = false } = options;
    const columns: readonly GradientColumn[] = meanLogp ? ['mean_logp'] : [];
    return await this.ask(
      batch,
      (x, pass) => this.ends.head(x, pass, { temperature, columns, meanLogits }),
      { adapter, onRouters: options.onRouters },
    ).catch(throwExplained);
  }

  /** log p of the targets alone, `[M]` on the host. */
  async logps(
    batch: TokenBatch,
    { adapter = 'policy', temperature = 1 }: Pick<ScoreOptions, 'adapter' | 'temperature'> = {},
  ): Promise<Float32Array> {
    return await this.ask(
      batch,
      (x, pass) => logpColumn(this.ends.head(x, pass, { temperature, columns: [] })),
      { adapter },
    ).catch(throwExplained);
  }

  /**
   * Logits after the tokens that `predictors` names; targets do not count.
   * @returns `[M, V]` on the host, row-major.
   */
  async logits(batch: TokenBatch): Promise<Float32Array> {
    return await this.ask(batch, (x, pass) => this.ends.logits(x, pass)).catch(throwExplained);
  }

  /** How the routers of experts spread the tokens of a batch when it is trained on. */
  async routerUse(
    batch: TokenBatch,
    { dropoutSeed = null }: Partial<Pick<ParameterView, 'dropoutSeed'>> = {},
  ): Promise<Omit<RouterUse, 'probabilities'>> {
    let found: RouterUse | null = null;
    const onRouters = (use: RouterUse) => {
      found = use;
    };
    await this.ask(batch, () => tf.scalar(0), { dropoutSeed, onRouters }).catch(throwExplained);
    return found!;
  }

  /** A forward pass without tape, and what `finish` makes of its hidden states, on the host. */
  private async ask(
    batch: TokenBatch,
    finish: (x: Tensor, pass: Pass) => Tensor,
    { adapter = 'policy', dropoutSeed = null, onRouters }: AskOptions = {},
  ): Promise<Float32Array> {
    await signalsDelivered();
    const opened = this.opened(batch, { isCounted: onRouters !== undefined });
    const result = tf.tidy(() => {
      const pass = this.pass(opened, { adapter, dropoutSeed });
      let x = this.ends.embed(pass);
      for (const index of this.spec.layers.keys()) {
        const next = tf.tidy(() => pass.layer(x, index));
        x.dispose();
        x = next;
      }
      onRouters?.(opened.routers!.use());
      return finish(x, pass);
    });
    opened.dispose();
    const values = (await result.data()) as Float32Array;
    result.dispose();
    return values;
  }

  /** Loss, metrics and the gradient to every trained parameter for one micro-batch. */
  async gradients(
    batch: TokenBatch,
    lossOf: TokenLoss,
    options: GradientOptions = {},
  ): Promise<Gradients> {
    const { temperature = 1, columns, meanLogits = false, dropoutSeed = null } = options;
    const { routerLoss } = options;
    await signalsDelivered();
    const opened = this.opened(batch, { isCounted: routerLoss !== undefined });
    const view: ParameterView = { adapter: 'policy', dropoutSeed };
    const head = { temperature, meanLogits, ...(columns !== undefined && { columns }) };
    const names: string[] = [];
    const marks = [performance.now()];
    const mark = () => marks.push(performance.now());
    const { gradient, report, logps } = tf.tidy(() => {
      const kept: Tensor[] = [];
      const finish = (hidden: Tensor, pass: Pass): Tensor => {
        mark();
        const scores = this.ends.head(hidden, pass, head);
        const scored = lossOf(scores);
        const balance = routerLoss && opened.routers!.settle(routerLoss);
        const loss = balance ? scored.loss.add(balance.loss) : scored.loss;
        const metrics = { ...scored.metrics, ...balance?.metrics };
        names.push(...Object.keys(metrics));
        const flat = [loss, ...Object.values(metrics)].map((part) => part.reshape([1]));
        kept.push(tf.keep(tf.concat(flat)), tf.keep(logpColumn(scores)));
        mark();
        return loss;
      };
      const grads = this.walk.gradients({
        pass: (traced) => this.pass(opened, traced ? { ...view, traced } : view),
        parameters: () => this.parameters.views(),
        finish,
      });
      return { gradient: this.parameters.join(grads), report: kept[0]!, logps: kept[1]! };
    });
    opened.dispose();
    mark();
    const [numbers, logpValues] = await Promise.all([report.data(), logps.data()]);
    tf.dispose([report, logps]);
    const metrics = Object.fromEntries(names.map((name, i) => [name, numbers[i + 1] as number]));
    const [forward, headTime, backward] = marks.slice(1).map((at, i) => (at - marks[i]!) / 1000);
    return {
      gradient,
      loss: numbers[0] as number,
      metrics,
      logps: logpValues as Float32Array,
      seconds: { forward: forward!, head: headTime!, backward: backward! },
    };
  }

  dispose(): void {
    this.ends.dispose();
    this.store.dispose();
    this.geometries.dispose();
  }

  /** @param use.isCounted Whether it is asked how routers spread the tokens. */
  private opened(batch: TokenBatch, { isCounted }: { readonly isCounted: boolean }): OpenBatch {
    const { experts } = this.spec;
    const geometry = this.geometries.of(batch);
    const routers = experts && new Routers(experts, isCounted ? batch : null);
    return {
      batch,
      geometry,
      routers,
      dispose() {
        geometry.dispose();
        routers?.dispose();
      },
    };
  }

  private pass(opened: OpenBatch, view: ParameterView): Pass {
    const source = this.store.source(view);
    const base = { ...opened, view, source };
    if (this.store.fused === null) {
      const forward = new LayerForward(this.spec, source, opened);
      return { ...base, layer: (x, index) => forward.run(x, index), fused: null };
    }
    const context = this.store.fusedContext(view, opened);
    const fused = (index: number) => new FusedLayer(index, context);
    const layer = (x: Tensor, index: number) => fused(index).forward(x, { keepsAll: false }).y;
    return { ...base, layer, fused };
  }
}

/** Of a forward pass without tape; default: with the adapter under training, without dropout. */
interface AskOptions extends Partial<Pick<ParameterView, 'adapter' | 'dropoutSeed'>> {
  readonly onRouters?: ScoreOptions['onRouters'] | undefined;
}

/** What one call knows of its batch. */
interface OpenBatch extends LayerInputs {
  readonly batch: TokenBatch;
  dispose(): void;
}

const logpColumn = (scores: Tensor): Tensor => tf.slice(scores, [0, LOGP], [-1, 1]);
