/** Config + opened model → the policy under training, its optimizer, and the adapter it makes. */
import type { GrpoConfig, SftConfig } from '../../config/index.js';
import {
  adapterFromLora,
  asPlainLora,
  type LoraPlan,
  type LoraStart,
  loraFromAdapter,
  type MemoryPlan,
  Policy,
  parsePissa,
  planLora,
  startLora,
} from '../../model/index.js';
import { configureTensorflow } from '../../tensor/index.js';
import { Trainer } from '../../train/index.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, type LoraConfig, loraConfig } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import { computeType } from '../memory/compute-type.js';
import { type BatchShape, trainingMemory } from '../memory/estimate.js';
import { reservedOfCard } from '../memory/gpu-memory.js';
import { makeOptimizer } from './optimization.js';

/** Keys that every trainer's config has. */
export type TrainerConfig = Omit<SftConfig, SftOnly | 'eval_dataset'> &
  Partial<
    Pick<SftConfig, 'neftune_noise_alpha' | 'eval_dataset' | 'answer_format'> &
      Pick<GrpoConfig, 'eval_samples' | 'rewards' | RolloutKey | ReferenceKey>
  >;

type RolloutKey = 'rollout_device' | 'rollout_memory_limit';

type ReferenceKey =
  | 'reference_policy'
  | 'sync_ref_model'
  | 'ref_model_mixup_alpha'
  | 'ref_model_sync_steps';

type SftOnly =
  | 'max_length'
  | 'excess_length_strategy'
  | 'traces_file'
  | 'mask_tool_output'
  | 'packing'
  | 'answer_format'
  | 'datasets'
  | 'loss_type'
  | 'label_smoothing_factor'
  | 'neftune_noise_alpha'
  | 'assistant_only_loss'
  | 'completion_only_loss'
  | 'roles_to_train';

export function configureDevice(
  config: Pick<TrainerConfig, 'device' | 'threads'> &
    Partial<Pick<TrainerConfig, 'compute_dtype' | 'memory_limit'>>,
): void {
  const { device, memory_limit = null } = config;
  const reservedGpuMib = reservedOfCard({ device, memory_limit });
  configureTensorflow({
    device: config.device,
    computeDtype: config.compute_dtype === 'bfloat16' ? 'bfloat16' : 'float32',
    ...(config.threads !== null && { threads: config.threads }),
    ...(config.compute_dtype === 'float32' && { tf32: false }),
    ...(reservedGpuMib !== null && { reservedGpuMib }),
  });
}

/** An adapter that the model already has keeps its own shape; else `lora` decides. */
export function loraPlan(
  config: TrainerConfig,
  source: Pick<ModelSource, 'spec' | 'adapter' | 'baseName'>,
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
  if (config.lora.bias !== 'none' && !hasBiases(source)) {
    throw new InputError({
      where: 'lora.bias',
      problem: `${config.lora.bias}, but the model has no biases`,
      remedy: 'Set lora.bias=none',
    });
  }
  return planLora(source.spec, askedLora(config.lora));
}

/** The shape of a new adapter by the keys of `lora`. */
export const askedLora = (keys: TrainerConfig['lora']): LoraConfig =>
  loraConfig({
    r: keys.r,
    loraAlpha: keys.lora_alpha,
    loraDropout: keys.lora_dropout,
    targetModules: keys.target_modules,
    excludeModules: keys.exclude_modules.length > 0 ? keys.exclude_modules : null,
    rankPattern: keys.rank_pattern,
    alphaPattern: keys.alpha_pattern,
    useRslora: keys.use_rslora,
    useDora: keys.use_dora,
    modulesToSave: keys.modules_to_save.length > 0 ? keys.modules_to_save : null,
    bias: keys.bias,
    initLoraWeights: keys.init_lora_weights,
  });

const hasBiases = ({ spec }: Pick<ModelSource, 'spec'>): boolean =>
  Object.values(spec.bias).some(Boolean);

export interface TrainedPolicy {
  readonly policy: Policy;
  /** What it will need of memory, as known before it was loaded. */
  readonly plan: MemoryPlan;
  readonly trainer: Trainer;
  /** `reference` when training goes on from an adapter, else the base model alone. */
  readonly reference: 'off' | 'reference';
  /** To be called with the optimizer steps done: moves the reference where the config asks for it. */
  afterStep(done: number): void;
  /** The trained adapter now; null in full training. */
  adapter(): Promise<Adapter | null>;
  dispose(): void;
}

export function trainedPolicy(
  config: TrainerConfig,
  source: ModelSource,
  { keepReference, shape }: { readonly keepReference: boolean; readonly shape: BatchShape },
): TrainedPolicy {
  const lora = loraPlan(config, source);
  const compute = computeType(config, source.spec);
  const { plan, checkpointedLayers } = trainingMemory(config, source.spec, {
    lora,
    compute,
    shape,
  });
  const start = lora === null ? null : loraStart(lora, source, config.seed);
  const isPissa =
    start !== null && source.adapter === null && parsePissa(lora!.config.initLoraWeights) !== null;
  // What PiSSA leaves of the base is not the base: the reference is the adapter's start on it.
  const isStart = source.adapter !== null && config.reference_policy !== 'base';
  const moves = config.sync_ref_model === true;
  const needsCopy = keepReference && (isStart || isPissa || moves);
  if (keepReference && lora === null) {
    throw new InputError({
      where: 'use_lora',
      problem: 'false, but this training needs the starting weights as reference policy',
      remedy: 'Set use_lora=true, where the base model is the reference',
    });
  }
  const policy = new Policy({
    spec: source.spec,
    weights: start?.weights ?? source.weights,
    lora,
    initialLora: start?.values ?? [],
    keepReference: needsCopy,
    checkpointedLayers,
    compute,
    neftuneNoiseAlpha: config.neftune_noise_alpha ?? 0,
  });
  const optimizer = makeOptimizer(config, policy);
  const { max_grad_norm: maxGradNorm, seed } = config;
  return {
    policy,
    plan,
    trainer: new Trainer({ policy, optimizer, maxGradNorm, seed }),
    reference: needsCopy ? 'reference' : 'off',
    afterStep(done) {
      const { ref_model_sync_steps: every = 0, ref_model_mixup_alpha: alpha = 0 } = config;
      if (moves && done % every === 0) policy.reference?.mix(policy.parameters, alpha);
    },
    async adapter() {
      if (lora === null) return null;
      const values = await policy.parameters.download();
      const revision = pinnedCommit(source);
      const trained = { ...adapterFromLora(lora, values, source.baseName), revision };
      if (!isPissa) return trained;
      const named = new Map(lora.shapes.map(({ name }, i) => [name, start!.values[i]!]));
      return asPlainLora(trained, adapterFromLora(lora, named, source.baseName));
    },
    dispose() {
      optimizer.dispose();
      policy.dispose();
    },
  };
}

/** The commit of a base that a revision was asked of; a base without one is not pinned by its adapter either. */
const pinnedCommit = ({ baseRevision, baseCommit }: ModelSource): string | null =>
  baseRevision === null ? null : baseCommit;

function loraStart(lora: LoraPlan, source: ModelSource, seed: number): LoraStart {
  const { spec, weights, adapter } = source;
  if (adapter !== null) return { values: loraFromAdapter(lora, adapter), weights };
  return startLora(lora, { spec, weights, seed });
}
