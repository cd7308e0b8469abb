/**
 * The parameters of a policy: frozen base weights, the trained vector, and a frozen copy of where the adapter
 * started. Layers see them by name, with the adapter that is asked for.
 *
 * Layers are fused (see `fused/`) where only plain LoRA is trained; with our own operations, and on a GPU, the
 * matrices of the base are then kept in the compute type. Those that come in 4 bits stay so until a product takes them.
 */
import {
  type ComputeType,
  castTo,
  FourBitWeight,
  hasHalfTensors,
  hasNativeOps,
  type LoraBranch,
  onDevice,
  ParameterVector,
  type Tensor,
  tf,
} from '../tensor/index.js';
import { Rng } from '../util/rng.js';
import { type HostTensor, type LoraTarget, toFloat32 } from '../weights/index.js';
import { dropout } from './dropout.js';
import type { FusedContext, FusedLora } from './fused/index.js';
import type { BatchGeometry } from './geometry.js';
import type { ParameterSource } from './layer.js';
import { isPlainPlan, type LoraPlan, loraA, loraB, loraMagnitude } from './lora.js';
import type { AdapterChoice } from './policy-types.js';
import { type DecoderSpec, parameterShapes } from './spec.js';

export interface ParameterOptions {
  readonly spec: DecoderSpec;
  readonly weights: (name: string) => HostTensor;
  readonly lora: LoraPlan | null;
  readonly initialLora: readonly Float32Array[];
  readonly keepReference: boolean;
  readonly compute: ComputeType;
}

/** A view of the parameters: with which adapter, from which tensors, with dropout or not. */
export interface ParameterView {
  readonly adapter: AdapterChoice;
  /** Tensors that stand for parameters on a tape. */
  readonly traced?: ReadonlyMap<string, Tensor>;
  readonly dropoutSeed: number | null;
}

/** A weight of the base. */
interface FrozenWeight {
  /** Held all along, or made anew of 4 bits at each call. */
  readonly tensor: () => Tensor;
  readonly dispose: () => void;
}

function frozenWeight(
  value: HostTensor,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  type: ComputeType,
): FrozenWeight {
  if (value.fourBit !== undefined) {
    const weight = new FourBitWeight(value.fourBit, { name, shape: shape as [number, number] });
    return { tensor: () => weight.values(type), dispose: () => weight.dispose() };
  }
  const tensor = tf.tidy(() => tf.keep(castTo(onDevice(toFloat32(value), shape), 'float32', type)));
  return { tensor: () => tensor, dispose: () => tensor.dispose() };
}

/** A and B in bfloat16 have half of the scale each, so that their product needs none. */
const halfFactor = ({ scale }: LoraTarget): number => Math.sqrt(scale);

export class PolicyParameters {
  readonly spec: DecoderSpec;
  readonly lora: LoraPlan | null;
  readonly trained: ParameterVector;
  /** Element type of the base's matrices where layers are fused; null where they are not. */
  readonly fused: ComputeType | null;
  private readonly frozen = new Map<string, FrozenWeight>();
  /** The frozen copy of the start; null where none is kept. */
  readonly reference: ParameterVector | null;

  constructor({ spec, weights, lora, initialLora, keepReference, compute }: ParameterOptions) {
    this.spec = spec;
    this.lora = lora;
    this.fused = isPlainPlan(lora) ? (hasHalfTensors() ? compute : 'float32') : null;
    const shapes = [...parameterShapes(spec)].map(([name, shape]) => ({ name, shape }));
    if (lora === null) {
      const values = shapes.map(({ name }) => toFloat32(weights(name)));
      this.trained = new ParameterVector(shapes, values);
    } else {
      for (const { name, shape } of shapes) this.freeze(name, shape, weights(name));
      this.trained = new ParameterVector(lora.shapes, initialLora, this.halfFactors());
    }
    this.reference =
      keepReference && lora !== null
        ? new ParameterVector(lora.shapes, initialLora, this.halfFactors())
        : null;
  }

  /** Matrices take the compute type, or stay in the 4 bits they come in; norms and biases are float32. */
  private freeze(name: string, shape: readonly number[], value: HostTensor): void {
    const type = shape.length === 2 ? (this.fused ?? 'float32') : 'float32';
    const weight = frozenWeight(value, { name, shape }, type);
    this.frozen.set(name, weight);
  }

  source({ adapter, traced = new Map(), dropoutSeed }: ParameterView): ParameterSource {
    const full = this.lora === null;
    const own = (name: string): Tensor | undefined =>
      full ? this.trained.views().get(name) : this.frozen.get(name)?.tensor();
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
  fusedContext(view: ParameterView, geometry: BatchGeometry): FusedContext {
    const source = this.source(view);
    const active = this.active(view.adapter, view.traced ?? new Map());
    return {
      spec: this.spec,
      geometry,
      compute: this.fused ?? 'float32',
      norm: (name) => source.get(name),
      linear: (module) => ({
        module,
        weight: () => source.get(`${module}.weight`),
        bias: source.has(`${module}.bias`) ? source.get(`${module}.bias`) : null,
        lora: active === null ? null : this.fusedLora(module, active, view),
      }),
    };
  }

  private active(
    choice: AdapterChoice,
    traced: ReadonlyMap<string, Tensor>,
  ): ((name: string) => Tensor | undefined) | null {
    if (this.lora === null || choice === 'off') return null;
    if (choice === 'policy') return (name) => traced.get(name) ?? this.trained.views().get(name);
    if (this.reference === null) throw new Error('Policy: made without keepReference');
    const views = this.reference.views();
    return (name) => views.get(name);
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

  private fusedLora(
    module: string,
    lora: (name: string) => Tensor | undefined,
    { adapter, dropoutSeed }: ParameterView,
  ): FusedLora | null {
    const target = this.lora?.targets.get(module);
    if (target === undefined) return null;
    const rate = this.lora!.config.loraDropout;
    const isOff = dropoutSeed === null || rate === 0;
    const seedOf = () => Rng.of('dropout', dropoutSeed!, module).int(0, 2 ** 31 - 1);
    const names = [loraA(module), loraB(module)] as const;
    const matrices = (of: (name: string) => Tensor | undefined) =>
      names.map((name) => of(name)!) as [Tensor, Tensor];
    const trained = () => matrices(lora);
    const common = { trained, dropout: isOff ? null : { rate, seed: seedOf() } };
    if (!this.halvesLora) {
      const [a, b] = trained();
      return { ...common, a, b, scale: target.scale, factor: 1 };
    }
    const halves = (adapter === 'reference' ? this.reference! : this.trained).halves();
    const [a, b] = matrices((name) => halves.get(name));
    return { ...common, a, b, scale: 1, factor: halfFactor(target) };
  }

  /** Whether products by TensorFlow's own operations take bfloat16; ours take LoRA in float32. */
  private get halvesLora(): boolean {
    return this.fused === 'bfloat16' && !hasNativeOps();
  }

  /** Of each trained parameter; none where they are read in float32. */
  private halfFactors(): number[] {
    if (!this.halvesLora) return [];
    const factors = new Map<string, number>();
    for (const target of this.lora!.targets.values()) {
      factors.set(loraA(target.module), halfFactor(target));
      factors.set(loraB(target.module), halfFactor(target));
    }
    return this.lora!.shapes.map(({ name }) => factors.get(name)!);
  }

  dispose(): void {
    for (const weight of this.frozen.values()) weight.dispose();
    this.trained.dispose();
    this.reference?.dispose();
  }
}
