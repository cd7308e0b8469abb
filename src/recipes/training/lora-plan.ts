/** The keys of LoRA and the model → which parameters are trained. */
import { type LoraPlan, parsePissa, planLora } from '../../model/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import { adaptable } from '../../model/spec-modules.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, idleNames, type LoraConfig, loraConfig } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import type { TrainerConfig } from './trainer-config.js';

/** An adapter that the model already has keeps its own shape; else `lora` decides. */
export function loraPlan(
  config: TrainerConfig,
  source: Pick<ModelSource, 'spec' | 'baseName'> & {
    readonly adapter: Pick<Adapter, 'config'> | null;
  },
): LoraPlan | null {
  if (!config.use_lora) {
    if (source.adapter === null) return null;
    throw new InputError({
      where: 'use_lora',
      problem: `false, but the model ${config.model} is an adapter on ${source.baseName}`,
      remedy: 'Train its adapter (use_lora=true), or name full weights as model',
    });
  }
  if (source.adapter !== null) {
    const { loraDropout: _, ...kept } = source.adapter.config;
    return planLora(source.spec, loraConfig({ ...kept, loraDropout: config.lora.lora_dropout }));
  }
  if (config.lora.bias !== 'none' && !hasBiases(source.spec, config.lora.bias)) {
    throw new InputError({
      where: 'lora.bias',
      problem: `${config.lora.bias}, but the model has no biases`,
      remedy: 'Set lora.bias=none',
    });
  }
  const plan = planLora(source.spec, askedLora(config.lora, source.spec));
  const names = adaptable(source.spec).map(({ module }) => module);
  const [idle] = idleNames(plan.config, names);
  if (idle === undefined) return plan;
  const { field, problem, remedy } = idle;
  throw new InputError({ where: `lora.${field}`, problem, remedy });
}

/** Whether a new adapter takes the principal part of the base. */
export const startsByPissa = (lora: LoraPlan | null, hasAdapter: boolean): boolean =>
  lora !== null && !hasAdapter && parsePissa(lora.config.initLoraWeights) !== null;

/** Whether a reference would be a copy of the adapter, frozen or moving; else it is the base model alone. */
export function copiesReference(
  config: TrainerConfig,
  lora: LoraPlan | null,
  hasAdapter: boolean,
): boolean {
  const isStart = hasAdapter && config.reference_policy !== 'base';
  // What PiSSA leaves of the base is not the base: the reference is the adapter's start on it.
  return isStart || startsByPissa(lora, hasAdapter) || config.sync_ref_model === true;
}

/** The shape of a new adapter by the keys of `lora`. */
export const askedLora = (
  keys: TrainerConfig['lora'],
  { root }: Pick<DecoderSpec, 'root'>,
): LoraConfig =>
  loraConfig({
    root,
    r: keys.r,
    loraAlpha: keys.lora_alpha,
    loraDropout: keys.lora_dropout,
    targetModules: keys.target_modules,
    targetParameters: keys.target_parameters.length > 0 ? keys.target_parameters : null,
    excludeModules: keys.exclude_modules.length > 0 ? keys.exclude_modules : null,
    rankPattern: keys.rank_pattern,
    alphaPattern: keys.alpha_pattern,
    useRslora: keys.use_rslora,
    useDora: keys.use_dora,
    modulesToSave: keys.modules_to_save.length > 0 ? keys.modules_to_save : null,
    bias: keys.bias,
    initLoraWeights: keys.init_lora_weights,
  });

const hasBiases = ({ bias, normBias, headBias }: DecoderSpec, which: LoraConfig['bias']): boolean =>
  Object.values(bias).some(Boolean) || (which === 'all' && (normBias || headBias));
