/**
 * An adapter that training goes on from keeps its own shape. Keys of `lora` that are set to something else
 * have no effect, and that is said.
 */
import { isDeepStrictEqual } from 'node:util';
import { loraSchema } from '../../config/index.js';
import { planLora } from '../../model/index.js';
import type { LoraConfig } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import { askedLora } from './lora-plan.js';
import type { TrainerConfig } from './trainer-config.js';

const SHAPE_KEYS = [
  ['r', 'r'],
  ['lora_alpha', 'loraAlpha'],
  ['use_rslora', 'useRslora'],
  ['use_dora', 'useDora'],
  ['bias', 'bias'],
  ['rank_pattern', 'rankPattern'],
  ['alpha_pattern', 'alphaPattern'],
  ['modules_to_save', 'modulesToSave'],
  ['target_parameters', 'targetParameters'],
] as const satisfies readonly (readonly [string, keyof LoraConfig])[];

export function sayKeptShape(
  config: TrainerConfig,
  { spec, adapter }: Pick<ModelSource, 'spec' | 'adapter'>,
  log: (line: string) => void,
): void {
  if (adapter === null || !config.use_lora) return;
  const asked = askedLora(config.lora, spec);
  const plain = askedLora(loraSchema(config.lora.lora_dropout).parse({}), spec);
  const kept = SHAPE_KEYS.flatMap(([key, name]) => {
    const [wanted, has] = [asked[name], adapter.config[name]];
    if (isDeepStrictEqual(wanted, plain[name]) || isDeepStrictEqual(wanted, has)) return [];
    return [`lora.${key}=${JSON.stringify(wanted)} (it has ${JSON.stringify(has)})`];
  });
  const isSelected = asked.targetModules !== plain.targetModules || asked.excludeModules !== null;
  const modules = (lora: LoraConfig) => [...planLora(spec, lora).targets.keys()].sort();
  if (isSelected && !isDeepStrictEqual(modules(asked), modules(adapter.config))) {
    kept.push('lora.target_modules');
  }
  if (kept.length === 0) return;
  log(
    `warning: ${config.model} is an adapter and keeps its own shape; not used: ${kept.join(', ')}`,
  );
}
