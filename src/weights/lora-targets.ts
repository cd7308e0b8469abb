/**
 * Which modules get LoRA, and with what rank and scale: PEFT's rules
 * (`check_target_module_exists` and `get_pattern_key` of peft 0.21).
 */
import { InputError } from '../util/errors.js';
import { inModel, moduleOf } from './decoder-root.js';
import { isNamedParameter, isParameter, isTargetParameter } from './expert-lora.js';
import type { LoraConfig } from './lora-config.js';
import { namePattern } from './name-pattern.js';

export const ALL_LINEAR = 'all-linear';

/** One module that gets LoRA: y = W x + scale · B (A x); or a parameter of experts, where that holds for each of them. */
export interface LoraTarget {
  readonly module: string;
  readonly r: number;
  readonly alpha: number;
  /** alpha/r, or alpha/√r with rsLoRA. */
  readonly scale: number;
}

/**
 * The targets among `names`, of linear modules and of parameters of experts, in their order.
 * @throws InputError when nothing matches, or on a bad pattern.
 */
export function resolveTargets(config: LoraConfig, names: readonly string[]): LoraTarget[] {
  const targets = names
    .filter((name) => isAdapted(config, name))
    .map((name) => loraTarget(config, name));
  if (targets.length > 0) return targets;
  const [idle] = config.targetModules.length === 0 ? idleParameters(config, names) : [];
  if (idle !== undefined) throw new InputError({ ...idle, where: idle.field });
  const moduleNames = names.filter((name) => !isParameter(name));
  const isPattern = typeof config.targetModules === 'string';
  const some = lastParts(moduleNames).slice(0, 3).join(', ');
  throw new InputError({
    where: 'target_modules',
    problem: `${JSON.stringify(config.targetModules)} selects none of ${moduleNames.length} linear modules`,
    remedy: `Use ${ALL_LINEAR}, or ${isPattern ? 'a list of names' : 'names'} such as [${some}]${isPattern ? '; a text by itself is a pattern of whole names' : ''}`,
  });
}

/** Distinct last parts of dotted names, sorted. */
export function lastParts(moduleNames: readonly string[]): string[] {
  const parts = moduleNames.map((name) => name.slice(name.lastIndexOf('.') + 1));
  return [...new Set(parts)].sort();
}

/** A config as far as it concerns the decoder: without names that PEFT has found in other parts of the model. */
export function ofDecoder(
  config: LoraConfig,
  tensors: { readonly modules: Iterable<string>; readonly replaced: Iterable<string> },
): LoraConfig {
  const { root, targetModules, modulesToSave } = config;
  const inWhole = (names: Iterable<string>) => [...names].map((name) => inModel(root, name));
  const [modules, replaced] = [inWhole(tensors.modules), inWhole(tensors.replaced).map(moduleOf)];
  const saved = modulesToSave?.filter((entry) =>
    replaced.some((module) => isSavedBy(entry, module)),
  );
  return {
    ...config,
    targetModules:
      typeof targetModules === 'string'
        ? targetModules
        : targetModules.filter((name) => modules.some((module) => hasSuffix(module, name))),
    modulesToSave: saved === undefined || saved.length === 0 ? null : saved,
  };
}

/** Whether PEFT trains a module whole for an entry of `modules_to_save`, both as the whole model names them. */
export const isSavedBy = (entry: string, module: string): boolean => module.endsWith(entry);

/** Whether an adapter replaces a tensor of the decoder with its whole module. */
export function isSaved(
  { root, modulesToSave }: Pick<LoraConfig, 'root' | 'modulesToSave'>,
  tensor: string,
): boolean {
  const module = inModel(root, moduleOf(tensor));
  return modulesToSave?.some((entry) => isSavedBy(entry, module)) ?? false;
}

/** Whether PEFT would put LoRA on a linear module or a parameter of experts, by the decoder's own name. */
export const isAdapted = (config: LoraConfig, name: string): boolean =>
  isParameter(name) ? isTargetParameter(config, name) : isTarget(config, name);

/** Whether PEFT would put LoRA on a linear module, which has the decoder's own name here. */
function isTarget(config: LoraConfig, decoderModule: string): boolean {
  const { targetModules, excludeModules, modulesToSave } = config;
  const module = inModel(config.root, decoderModule);
  if (modulesToSave?.some((name) => savedBlock(name).test(module))) return false;
  if (excludeModules !== null && matches('exclude_modules', excludeModules, module)) return false;
  if (typeof targetModules === 'string' && targetModules.toLowerCase() !== ALL_LINEAR) {
    return pattern('target_modules', targetModules).test(module);
  }
  if (typeof targetModules === 'string') {
    return !hasSuffix(module, 'lm_head') && isInLayers(config, module);
  }
  if (targetModules.includes(module)) return true;
  const isNamed = targetModules.some((name) => hasSuffix(module, name));
  return isNamed && isInLayers(config, module);
}

/** PEFT puts no LoRA on a module that is trained whole, nor on one inside it. */
const savedBlock = (name: string): RegExp =>
  pattern('modules_to_save', `(?:|.*\\.)${name}(?:|\\..*)`);

/** Rank and scale of one module. */
export function loraTarget(config: LoraConfig, module: string): LoraTarget {
  const name = inModel(config.root, module);
  const r = byPattern('rank_pattern', config.rankPattern, name) ?? config.r;
  const alpha = byPattern('alpha_pattern', config.alphaPattern, name) ?? config.loraAlpha;
  return { module, r, alpha, scale: config.useRslora ? alpha / Math.sqrt(r) : alpha / r };
}

/** A name in a config that stands for no module: PEFT goes on without it. */
interface IdleName {
  readonly field: string;
  readonly problem: string;
  readonly remedy: string;
}

/**
 * Listed targets that name no linear module or parameter of experts, and keys of rank and alpha that match none with LoRA.
 * @param names Of linear modules and of parameters of experts.
 */
export function idleNames(config: LoraConfig, names: readonly string[]): IdleName[] {
  const { root, targetModules, rankPattern, alphaPattern } = config;
  const linears = names.filter((name) => !isParameter(name));
  const targets = names.filter((name) => isAdapted(config, name));
  const isIdle = (modules: readonly string[], fits: (module: string) => boolean): boolean =>
    !modules.some((module) => fits(inModel(root, module)));
  const listed = typeof targetModules === 'string' ? [] : targetModules;
  const keysOf = (field: 'rank_pattern' | 'alpha_pattern', values: LoraConfig['rankPattern']) =>
    Object.keys(values)
      .filter((key) => isIdle(targets, (module) => keyPattern(field, key).test(module)))
      .map((key) => ({
        field,
        problem: `"${key}" matches no module with LoRA`,
        remedy: `Those are ${lastParts(targets).join(', ')}`,
      }));
  return [
    ...listed
      .filter((name) => isIdle(linears, (module) => hasSuffix(module, name)))
      .map((name) => ({
        field: 'target_modules',
        problem: `"${name}" names no linear module`,
        remedy: `The model has ${lastParts(linears).join(', ')}`,
      })),
    ...idleParameters(config, names),
    ...keysOf('rank_pattern', rankPattern),
    ...keysOf('alpha_pattern', alphaPattern),
  ];
}

function idleParameters(
  { root, targetParameters }: LoraConfig,
  names: readonly string[],
): IdleName[] {
  const parameters = names.filter(isParameter);
  const isIdle = (entry: string): boolean =>
    !parameters.some((name) => isNamedParameter(entry, inModel(root, name)));
  const known = lastParts(parameters).join(', ');
  return (targetParameters ?? []).filter(isIdle).map((entry) => ({
    field: 'target_parameters',
    problem: `"${entry}" names no parameter of experts`,
    remedy: known === '' ? 'The model has no experts' : `The model has ${known}`,
  }));
}

function hasSuffix(module: string, name: string): boolean {
  return module === name || module.endsWith(`.${name}`);
}

function matches(field: string, names: readonly string[] | string, module: string): boolean {
  if (typeof names === 'string') return pattern(field, names).test(module);
  return names.some((name) => hasSuffix(module, name));
}

function isInLayers({ layersToTransform, layersPattern }: LoraConfig, module: string): boolean {
  if (layersToTransform === null) return true;
  const prefixes = layersPattern?.map((name) => `(?:.*?\\.)?${name}`) ?? ['.*?\\.[^.]*'];
  for (const prefix of prefixes) {
    const found = pattern('layers_pattern', `(?:${prefix})\\.(\\d+)\\..*`).exec(module);
    if (found !== null) return layersToTransform.includes(Number(found[1]));
  }
  return false;
}

function byPattern(
  field: string,
  values: Readonly<Record<string, number>>,
  module: string,
): number | undefined {
  const found = Object.entries(values).find(([key]) => keyPattern(field, key).test(module));
  return found?.[1];
}

const keyPattern = (field: string, key: string): RegExp => pattern(field, `(?:.*\\.)?(?:${key})`);

function pattern(field: string, source: string): RegExp {
  const made = namePattern(source);
  if (made !== null) return made;
  throw new InputError({ where: field, problem: `"${source}" is not a regular expression` });
}
