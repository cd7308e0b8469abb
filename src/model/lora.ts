/** Parameters that an adapter trains: which they are, and their way to and from adapter files. */
import type { ParameterShape } from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import {
  type Adapter,
  fromFloat32,
  type HostTensor,
  type LoraConfig,
  type LoraTarget,
  type LoraTensors,
  lastParts,
  loraConfig,
  loraName,
  moduleOf,
  resolveTargets,
  toFloat32,
} from '../weights/index.js';
import { parsePissa } from './pissa.js';
import { replacedParameters } from './replaced.js';
import type { DecoderSpec } from './spec.js';
import { expertMatrices, expertWeights } from './spec-experts.js';
import { adaptable, linearModules } from './spec-modules.js';

export const loraA = (module: string) => loraName(module, 'a');
export const loraB = (module: string) => loraName(module, 'b');
export const loraMagnitude = (module: string) => loraName(module, 'magnitude');

/**
 * Which modules and parameters of experts get LoRA, and the shapes of what is trained: A, B and with DoRA the magnitudes of
 * each in layer order, then the base parameters that get other values.
 */
export interface LoraPlan {
  readonly config: LoraConfig;
  readonly targets: ReadonlyMap<string, LoraTarget>;
  readonly shapes: readonly ParameterShape[];
  /** Names of base parameters among the trained ones (`modules_to_save`, `bias`). */
  readonly replaced: ReadonlySet<string>;
}

/** @throws InputError when targets or `modules_to_save` name nothing that the model has. */
export function planLora(spec: DecoderSpec, config: LoraConfig): LoraPlan {
  const modules = new Map(adaptable(spec).map((each) => [each.module, each]));
  checkExperts(spec, config);
  checkParameters(spec, config);
  const resolved = resolveTargets(config, [...modules.keys()]);
  const targets = new Map(resolved.map((target) => [target.module, target]));
  const matrices = resolved.flatMap(({ module, r }) => {
    const { inFeatures, outFeatures, ...rest } = modules.get(module)!;
    const ranks = 'count' in rest ? r * rest.count : r;
    return [
      { name: loraA(module), shape: [ranks, inFeatures] },
      { name: loraB(module), shape: [outFeatures, ranks] },
      ...(config.useDora ? [{ name: loraMagnitude(module), shape: [outFeatures] }] : []),
    ];
  });
  const replaced = replacedParameters(spec, config, new Set(targets.keys()));
  const names = new Set(replaced.map(({ name }) => name));
  return { config, targets, shapes: [...matrices, ...replaced], replaced: names };
}

/** @throws InputError where a target is an expert's matrix or a router. */
function checkExperts(spec: DecoderSpec, { targetModules }: LoraConfig): void {
  if (spec.experts === null || typeof targetModules === 'string') return;
  const weights = [...expertMatrices(spec), expertWeights(spec, 0).router];
  const frozen = lastParts(weights.map(moduleOf));
  const named = targetModules.find((name) => frozen.includes(lastParts([name])[0]!));
  if (named === undefined) return;
  throw new InputError({
    where: 'target_modules',
    problem: `"${named}" names experts or their router, which are no linear modules to PEFT`,
    remedy: `Name gate_up_proj or down_proj in target_parameters for experts; else use all-linear, or names among ${lastParts(linearModules(spec).map(({ module }) => module)).join(', ')}`,
  });
}

/**
 * @throws InputError for what PEFT does not do with LoRA on parameters, or does by a module's own weight; and for biases of
 *   experts, which it would train.
 */
function checkParameters(spec: DecoderSpec, config: LoraConfig): void {
  if (spec.experts?.biased && config.bias === 'all') {
    throw new InputError({
      where: 'bias',
      problem: `"all" names the biases of experts too, which are not trained with LoRA`,
      remedy: 'Set lora.bias=lora_only or lora.bias=none',
    });
  }
  if (config.targetParameters === null) return;
  const { loraDropout, useDora, initLoraWeights: init } = config;
  const refused = [
    loraDropout > 0 && [`lora_dropout=${loraDropout}`, 'lora.lora_dropout=0'],
    useDora && ['use_dora=true', 'lora.use_dora=false'],
    parsePissa(init) !== null && [`init_lora_weights=${init}`, 'lora.init_lora_weights=true'],
  ].find((said) => said !== false);
  if (refused === undefined) return;
  throw new InputError({
    where: 'target_parameters',
    problem: `LoRA on parameters has no ${refused[0]}, as in PEFT`,
    remedy: `Set ${refused[1]}, or leave target_parameters out`,
  });
}

/** Whether LoRA matrices are all that is trained: their layers have hand-written gradients (`fused/`). */
export const isPlainPlan = (plan: LoraPlan | null): boolean =>
  plan !== null && !plan.config.useDora && plan.replaced.size === 0;

/** No module gets LoRA: nothing is trained, the model only scores. */
export const NO_LORA: LoraPlan = {
  config: loraConfig({ r: 1, loraAlpha: 1, targetModules: [] }),
  targets: new Map(),
  shapes: [],
  replaced: new Set(),
};

/** What an adapter holds, by the names of the plan's shapes. */
function namedTensors({ tensors, replaced }: Adapter): Map<string, HostTensor> {
  const named = new Map<string, HostTensor>(replaced);
  for (const [module, { a, b, magnitude }] of tensors) {
    named.set(loraA(module), a);
    named.set(loraB(module), b);
    if (magnitude !== undefined) named.set(loraMagnitude(module), magnitude);
  }
  return named;
}

/** @throws InputError when the adapter lacks a tensor of the plan, or has another or misshapen one. */
export function checkTensors(plan: LoraPlan, adapter: Adapter, where: string): void {
  const named = namedTensors(adapter);
  const remedy = `The adapter was made for ${adapter.baseModel ?? 'a base it does not name'}`;
  for (const { name, shape } of plan.shapes) {
    const found = named.get(name)?.shape;
    named.delete(name);
    if (found?.length === shape.length && found.every((size, i) => size === shape[i])) continue;
    const is = found === undefined ? 'is missing' : `has shape [${found.join(', ')}]`;
    const problem = `tensor "${name}" ${is}, expected [${shape.join(', ')}]`;
    throw new InputError({ where, problem, remedy });
  }
  for (const name of named.keys()) {
    throw new InputError({ where, problem: `the model has no "${name}"`, remedy });
  }
}

/** The values of a loaded adapter in the plan's order. */
export function loraFromAdapter(plan: LoraPlan, adapter: Adapter): Float32Array[] {
  const named = namedTensors(adapter);
  return plan.shapes.map(({ name }) => toFloat32(named.get(name)!));
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
    const [a, b] = [tensor(loraA(module)), tensor(loraB(module))];
    const magnitude = plan.config.useDora ? { magnitude: tensor(loraMagnitude(module)) } : {};
    tensors.set(module, { a, b, ...magnitude, scale });
  }
  const replaced = new Map([...plan.replaced].map((name) => [name, tensor(name)]));
  return { config: plan.config, baseModel, tensors, replaced };
}
