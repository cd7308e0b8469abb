/**
 * The parameters of a policy: frozen base weights, the trained vector, and a frozen copy of where the adapter
 * started. Layers see them by name, with the adapter that is asked for.
 *
 * Layers are fused (see `fused/`) where only plain LoRA is trained; with our own operations, and on a GPU, the
 * matrices of the base are then kept in the compute type. Those that come in 4 bits stay so until a product takes them.
 */
import {
  type ComputeType,
  HalfFactors,
  hasHalfTensors,
  hasNativeOps,
  type LoraBranch,
  type ParameterShape,
  ParameterVector,
  type ParameterViews,
  type Tensor,
} from '../tensor/index.js';
import { Rng } from '../util/rng.js';
import { type HostTensor, type LoraTarget, toFloat32 } from '../weights/index.js';
import { dropout } from './dropout.js';
import { FrozenWeights } from './frozen-weights.js';
import {
  byExpert,
  type FusedContext,
  type FusedLinear,
  type FusedLora,
  joinedLora,
} from './fused/index.js';
import type { LayerInputs, ParameterSource } from './layer.js';
import { isPlainPlan, type LoraPlan, loraA, loraB, loraMagnitude } from './lora.js';
import type { AdapterChoice } from './policy-types.js';
import type { DecoderSpec, Weighted } from './spec.js';
import { type LinearModule, linearGroups, parameterShapes } from './spec-modules.js';

export interface ParameterOptions extends Weighted {
  readonly lora: LoraPlan | null;
  readonly initialLora: readonly Float32Array[];
  /** Null: no reference is kept. */
  readonly initialReference: readonly Float32Array[] | null;
  readonly compute: ComputeType;
}

/** A view of the parameters: with which adapter, from which tensors, with dropout or not. */
export interface ParameterView {
  readonly adapter: AdapterChoice;
  /** Tensors that stand for parameters on a tape. */
  readonly traced?: ReadonlyMap<string, Tensor>;
  readonly dropoutSeed: number | string | null;
}

/** One after the other, so that they are not all in memory beside the vector that is made of them. */
function* read(
  shapes: readonly ParameterShape[],
  weights: (name: string) => HostTensor,
): Generator<Float32Array> {
  for (const { name } of shapes) yield toFloat32(weights(name));
}

/** A and B in bfloat16 have half of the scale each, so that their product needs none. */
const halfFactor = ({ scale }: LoraTarget): number => Math.sqrt(scale);

/** Of each parameter of a plain plan. */
function halfFactors({ shapes, targets }: LoraPlan): HalfFactors {
  const factors = new Map<string, number>();
  for (const target of targets.values()) {
    factors.set(loraA(target.module), halfFactor(target));
    factors.set(loraB(target.module), halfFactor(target));
  }
  const inOrder = shapes.map(({ name }) => factors.get(name)!);
  return new HalfFactors(shapes, inOrder);
}

export class PolicyParameters {
  readonly spec: DecoderSpec;
  readonly lora: LoraPlan | null;
  readonly trained: ParameterVector;
  /** Element type of the base's matrices where layers are fused; null where they are not. */
  readonly fused: ComputeType | null;
  private readonly frozen = new FrozenWeights();
  /** Null where none is kept. */
  readonly reference: ParameterVector | null;
  /** Of both; null where they are read in float32. */
  private readonly factors: HalfFactors | null;

  constructor(options: ParameterOptions) {
    const { spec, weights, lora, initialLora, initialReference, compute } = options;
    this.spec = spec;
    this.lora = lora;
    this.fused = isPlainPlan(lora) ? (hasHalfTensors() ? compute : 'float32') : null;
    this.factors = this.halvesLora ? halfFactors(lora!) : null;
    const shapes = [...parameterShapes(spec)].map(([name, shape]) => ({ name, shape }));
    if (lora === null) {
      this.trained = new ParameterVector(shapes, read(shapes, weights));
    } else {
      this.freeze(weights);
      this.trained = new ParameterVector(lora.shapes, initialLora, this.factors ?? undefined);
    }
    this.reference =
      initialReference !== null && lora !== null
        ? new ParameterVector(lora.shapes, initialReference, this.factors ?? undefined)
        : null;
  }

  /** Matrices take the compute type, or stay in the 4 bits they come in; norms and biases are float32. */
  private freeze(weights: (name: string) => HostTensor): void {
    const shapes = parameterShapes(this.spec);
    const groups = this.joinedNames().filter(([first]) => shapes.has(first!));
    const grouped = new Set(groups.flat());
    const single = [...shapes.keys()].filter((name) => !grouped.has(name)).map((name) => [name]);
    for (const names of [...single, ...groups]) {
      const parts = names.map((name) => ({ name, shape: shapes.get(name)!, value: weights(name) }));
      const isMatrix = parts[0]!.shape.length === 2;
      this.frozen.add(parts, isMatrix ? (this.fused ?? 'float32') : 'float32');
    }
  }

  /** Weights and biases of the modules that are held as one. */
  private joinedNames(): string[][] {
    const groups = this.spec.layers.flatMap((_, layer) => {
      const { mixerIn, mixerOut, mlp } = linearGroups(this.spec, layer);
      return [mixerIn, [mixerOut], ...(mlp === null ? [] : [mlp.gateUp, [mlp.down]])];
    });
    const joined = groups.filter((group) => this.joins(group));
    return joined.flatMap((group) =>
      ['weight', 'bias'].map((end) => group.map(({ module }) => `${module}.${end}`)),
    );
  }

  /**
   * Whether modules that share an input are held as one, which takes the host of a GPU fewer operations. Our own operations
   * take them apart.
   */
  private joins(group: readonly LinearModule[]): boolean {
    return this.halvesLora && group.every(({ bias }) => bias === group[0]!.bias);
  }

  source({ adapter, traced = new Map(), dropoutSeed }: ParameterView): ParameterSource {
    const full = this.lora === null;
    const own = (name: string): Tensor | undefined =>
      full ? this.trained.views().get(name) : this.frozen.get(name);
    const active = this.active(adapter, traced);
    const isReplaced = (name: string) => active !== null && this.lora!.replaced.has(name);
    const find = (name: string) =>
      traced.get(name) ?? (isReplaced(name) ? active!(name) : own(name));
    return {
      get: (name) => {
        const tensor = find(name);
        if (tensor === undefined) throw new Error(`Policy: no parameter "${name}"`);
        return tensor;
      },
      has: (name) => (full ? this.trained.views() : this.frozen).has(name),
      trainable: (name) => full || isReplaced(name),
      lora: (module) => (active === null ? null : this.branch(module, active, dropoutSeed)),
    };
  }

  /** What fused layers read. */
  fusedContext(view: ParameterView, { geometry, routers }: LayerInputs): FusedContext {
    const source = this.source(view);
    const linear = (module: string, lora: FusedLora | null): FusedLinear => ({
      weight: () => source.get(`${module}.weight`),
      bias: source.has(`${module}.bias`) ? source.get(`${module}.bias`) : null,
      lora,
    });
    return {
      spec: this.spec,
      geometry,
      routers,
      compute: this.fused ?? 'float32',
      float32: (name) => source.get(name),
      matrix: (name) => source.get(name),
      linears: (group) => {
        const loras = group.map(({ module }) => this.fusedLora(module, view));
        if (!this.joins(group)) return group.map(({ module }, i) => linear(module, loras[i]!));
        return [linear(group[0]!.module, joinedLora(group, loras, this.fusedViews(view.adapter)))];
      },
      expertLora: (parameter) => {
        const lora = this.fusedLora(parameter.module, view);
        if (lora === null) return null;
        const views = this.fusedViews(view.adapter);
        const b = views.once(`by expert ${parameter.module}`, () => byExpert(lora.b, parameter));
        return { a: lora.a, b, scale: lora.scale };
      },
    };
  }

  private active(
    choice: AdapterChoice,
    traced: ReadonlyMap<string, Tensor>,
  ): ((name: string) => Tensor | undefined) | null {
    if (this.lora === null || choice === 'off') return null;
    const views = this.vectorOf(choice).views();
    return (name) => traced.get(name) ?? views.get(name);
  }

  private branch(
    module: string,
    lora: (name: string) => Tensor | undefined,
    dropoutSeed: number | string | null,
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

  private fusedLora(module: string, view: ParameterView): FusedLora | null {
    const target = this.lora?.targets.get(module);
    if (target === undefined || view.adapter === 'off') return null;
    const { dropoutSeed } = view;
    const rate = this.lora!.config.loraDropout;
    const isOff = dropoutSeed === null || rate === 0;
    const seedOf = () => Rng.of('dropout', dropoutSeed!, module).int(0, 2 ** 31 - 1);
    const dropped = isOff ? null : { rate, seed: seedOf() };
    const matrices = this.fusedViews(view.adapter);
    const [a, b] = [matrices.get(loraA(module))!, matrices.get(loraB(module))!];
    const scale = this.halvesLora ? 1 : target.scale;
    return { a, b, scale, parts: [{ module, a, b, row: 0, dropout: dropped }] };
  }

  /** LoRA matrices as fused layers take them. */
  private fusedViews(adapter: AdapterChoice): ParameterViews {
    const vector = this.vectorOf(adapter);
    return this.halvesLora ? vector.halves() : vector.views();
  }

  private vectorOf(adapter: AdapterChoice): ParameterVector {
    if (adapter !== 'reference') return this.trained;
    if (this.reference === null) throw new Error('Policy: made without keepReference');
    return this.reference;
  }

  /** Whether products by TensorFlow's own operations take bfloat16; ours take LoRA in float32. */
  private get halvesLora(): boolean {
    return this.fused === 'bfloat16' && !hasNativeOps();
  }

  dispose(): void {
    this.frozen.dispose();
    this.trained.dispose();
    this.reference?.dispose();
    this.factors?.dispose();
  }
}
