/**
 * LoRA parameters of a model: initial values as PEFT makes them, and their way to and from adapter files.
 */
import type { ParameterShape } from '../tensor/index.js';
import { Rng } from '../util/rng.js';
import {
  type Adapter,
  fromFloat32,
  type LoraConfig,
  type LoraTarget,
  type LoraTensors,
  loraConfig,
  resolveTargets,
  toFloat32,
} from '../weights/index.js';
import { type DecoderSpec, linearModules } from './spec.js';

export const loraA = (module: string) => `${module}.lora_A.weight`;
export const loraB = (module: string) => `${module}.lora_B.weight`;

/** Which modules get LoRA, and the shapes of their two matrices, A before B, in layer order. */
export interface LoraPlan {
  readonly config: LoraConfig;
  readonly targets: ReadonlyMap<string, LoraTarget>;
  readonly shapes: readonly ParameterShape[];
}

export function planLora(spec: DecoderSpec, config: LoraConfig): LoraPlan {
  const modules = new Map(linearModules(spec).map((linear) => [linear.module, linear]));
  const targets = resolveTargets(config, [...modules.keys()]);
  const shapes = targets.flatMap(({ module, r }) => {
    const { inFeatures, outFeatures } = modules.get(module)!;
    return [
      { name: loraA(module), shape: [r, inFeatures] },
      { name: loraB(module), shape: [outFeatures, r] },
    ];
  });
  return { config, targets: new Map(targets.map((target) => [target.module, target])), shapes };
}

/** No module gets LoRA: nothing is trained, the model only scores. */
export const NO_LORA: LoraPlan = {
  config: loraConfig({ r: 1, loraAlpha: 1, targetModules: [] }),
  targets: new Map(),
  shapes: [],
};

/**
 * PEFT's default: A ~ U(−1/√in, 1/√in) (Kaiming uniform with a = √5), or A ~ N(0, 1/r) for `gaussian`;
 * B = 0, so that training starts from the base model.
 */
export function initialLora(plan: LoraPlan, seed: number): Float32Array[] {
  return plan.shapes.map(({ name, shape }) => {
    const [rows, columns] = shape as [number, number];
    const values = new Float32Array(rows * columns);
    if (name.endsWith('.lora_B.weight')) return values;
    const rng = Rng.of(seed, 'lora', name);
    const gaussian = plan.config.initLoraWeights === 'gaussian';
    const bound = 1 / Math.sqrt(columns);
    for (let i = 0; i < values.length; i++) {
      values[i] = gaussian ? rng.normal() / rows : (2 * rng.uniform() - 1) * bound;
    }
    return values;
  });
}

/** The matrices of a loaded adapter in the plan's order. */
export function loraFromAdapter(plan: LoraPlan, adapter: Adapter): Float32Array[] {
  return [...plan.targets.keys()].flatMap((module) => {
    const { a, b } = adapter.tensors.get(module)!;
    return [toFloat32(a), toFloat32(b)];
  });
}

/** @param values Parameters by name, as `ParameterVector.download` gives them. */
export function adapterFromLora(
  plan: LoraPlan,
  values: ReadonlyMap<string, Float32Array>,
  baseModel: string | null,
): Adapter {
  const shapes = new Map(plan.shapes.map(({ name, shape }) => [name, shape]));
  const tensor = (name: string) => fromFloat32(values.get(name)!, shapes.get(name)!);
  const tensors = new Map<string, LoraTensors>();
  for (const { module, scale } of plan.targets.values()) {
    tensors.set(module, { a: tensor(loraA(module)), b: tensor(loraB(module)), scale });
  }
  return { config: plan.config, baseModel, tensors };
}
