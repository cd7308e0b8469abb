/** Config + opened model → the policy under training, its optimizer, and the adapter it makes. */
import {
  adapterFromLora,
  asPlainLora,
  type LoraPlan,
  type LoraStart,
  loraFromAdapter,
  type MemoryPlan,
  Policy,
  parsePissa,
  startLora,
} from '../../model/index.js';
import { Trainer } from '../../train/index.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, quantizationName } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import { computeType } from '../memory/compute-type.js';
import { type BatchShape, trainingMemory } from '../memory/estimate.js';
import { loraPlan } from './lora-plan.js';
import { makeOptimizer } from './optimization.js';
import type { TrainerConfig } from './trainer-config.js';

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
      const quantization = source.quantization && quantizationName(source.quantization);
      const made = adapterFromLora(lora, values, source.baseName);
      const trained = { ...made, revision, quantization };
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
