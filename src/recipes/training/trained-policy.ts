/** Config + opened model → the policy under training, its optimizer, and the adapter it makes. */
import {
  adapterFromLora,
  asPlainLora,
  baseLora,
  type LoraPlan,
  type LoraStart,
  loraFromAdapter,
  type MemoryPlan,
  Policy,
  startLora,
} from '../../model/index.js';
import { EMBEDDING } from '../../model/spec-modules.js';
import { type ComputeType, keepFreedBlocks } from '../../tensor/index.js';
import { Trainer } from '../../train/index.js';
import { collectGarbage } from '../../util/collect-garbage.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, quantizationName } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import type { BatchShape } from '../memory/batch-shape.js';
import { computeType } from '../memory/compute-type.js';
import { trainingMemory } from '../memory/estimate.js';
import type { SamplerBeside } from '../memory/samplers.js';
import { copiesReference, loraPlan, startsByPissa } from './lora-plan.js';
import { makeOptimizer } from './optimization.js';
import type { TrainerConfig } from './trainer-config.js';

export interface TrainedPolicy {
  readonly policy: Policy;
  /** What it will need of memory, as known before it was loaded. */
  readonly plan: MemoryPlan;
  readonly trainer: Trainer;
  /** `reference` where a copy of the adapter is kept, else the base model alone. */
  readonly reference: 'off' | 'reference';
  /** To be called with the optimizer steps done: moves the reference where the config asks for it. */
  afterStep(done: number): void;
  /** The trained adapter now; null in full training. */
  adapter(): Promise<Adapter | null>;
  dispose(): void;
}

export interface TrainedPolicyOptions {
  readonly keepReference: boolean;
  readonly shape: BatchShape;
  /** Mean tokens of a sequence; default: those of the longest. */
  readonly usualLength?: number;
  /** What samples in this process while it trains. */
  readonly samplers: readonly SamplerBeside[];
}

export function trainedPolicy(
  config: TrainerConfig,
  source: ModelSource,
  { keepReference, shape, usualLength = shape.longest, samplers }: TrainedPolicyOptions,
): TrainedPolicy {
  const routerAuxLossCoef = routerCoefficient(config, source.spec);
  const lora = loraPlan(config, source);
  const compute = computeType(config, source.spec);
  const hasAdapter = source.adapter !== null;
  const isPissa = startsByPissa(lora, hasAdapter);
  const needsCopy = keepReference && copiesReference(config, lora, hasAdapter);
  const { plan, checkpointedLayers } = trainingMemory(config, source.spec, {
    lora,
    compute,
    shape,
    keepsReference: needsCopy,
    samplers,
    stored: source.weights(EMBEDDING).dtype,
  });
  if (keepReference && lora === null) {
    throw new InputError({
      where: 'use_lora',
      problem: 'false, but this training needs the starting weights as reference policy',
      remedy: 'Set use_lora=true, where the base model is the reference',
    });
  }
  const { policy, begun } = startedPolicy(config, source, {
    lora,
    isPissa,
    keepReference: needsCopy,
    checkpointedLayers,
    compute,
  });
  const activation = (plan.activation * usualLength) / shape.longest;
  keepFreedBlocks({ vector: 4 * policy.parameters.size, activation });
  const optimizer = makeOptimizer(config, policy);
  // What the start was computed in is as large as the trained vectors, or as the model.
  collectGarbage();
  const { max_grad_norm: maxGradNorm, seed } = config;
  return {
    policy,
    plan,
    trainer: new Trainer({ policy, optimizer, maxGradNorm, seed, routerAuxLossCoef }),
    reference: needsCopy ? 'reference' : 'off',
    afterStep(done) {
      const { ref_model_sync_steps: every = 0, ref_model_mixup_alpha: alpha = 0 } = config;
      if (config.sync_ref_model === true && done % every === 0)
        policy.reference?.mix(policy.parameters, alpha);
    },
    async adapter() {
      if (lora === null) return null;
      const values = await policy.parameters.download();
      const revision = pinnedCommit(source);
      const quantization = source.quantization && quantizationName(source.quantization);
      const made = adapterFromLora(lora, values, source.baseName);
      const trained = { ...made, revision, quantization };
      if (begun === null) return trained;
      return asPlainLora(trained, adapterFromLora(lora, begun, source.baseName));
    },
    dispose() {
      optimizer.dispose();
      policy.dispose();
    },
  };
}

/**
 * The weight of the loss that keeps experts evenly used; 0: none.
 * @throws InputError where there are no experts to weigh it for
 */
export function routerCoefficient(
  { router_aux_loss_coef: asked }: Pick<TrainerConfig, 'router_aux_loss_coef'>,
  { experts, family }: Pick<ModelSource['spec'], 'experts' | 'family'>,
): number {
  if (experts !== null) return asked ?? experts.auxLossCoef;
  if (asked === null || asked === 0) return 0;
  throw new InputError({
    where: 'router_aux_loss_coef',
    problem: `${asked}, but ${family} has no experts`,
    remedy: 'Leave it out',
  });
}

interface StartOptions {
  readonly lora: LoraPlan | null;
  readonly isPissa: boolean;
  readonly keepReference: boolean;
  readonly checkpointedLayers: number;
  readonly compute: ComputeType;
}

/** The policy, and for PiSSA where its adapter began. */
function startedPolicy(
  config: TrainerConfig,
  source: ModelSource,
  { lora, isPissa, ...options }: StartOptions,
): { readonly policy: Policy; readonly begun: Map<string, Float32Array> | null } {
  const start = lora === null ? null : loraStart(lora, source, config.seed);
  const { adapter, spec, weights } = source;
  // A moving reference that begins as the base; one that does not move is the base alone.
  const isBase = options.keepReference && adapter !== null && config.reference_policy === 'base';
  const policy = new Policy({
    spec: source.spec,
    weights: start?.weights ?? source.weights,
    lora,
    initialLora: start?.values ?? [],
    ...(isBase && { initialReference: baseLora(lora!, start!.values, { spec, weights }) }),
    neftuneNoiseAlpha: config.neftune_noise_alpha ?? 0,
    ...options,
  });
  return { policy, begun: isPissa ? namedValues(lora!, start!) : null };
}

/** The commit of a base that a revision was asked of; a base without one is not pinned by its adapter either. */
const pinnedCommit = ({ baseRevision, baseCommit }: ModelSource): string | null =>
  baseRevision === null ? null : baseCommit;

const namedValues = ({ shapes }: LoraPlan, { values }: LoraStart): Map<string, Float32Array> =>
  new Map(shapes.map(({ name }, i) => [name, values[i]!]));

function loraStart(lora: LoraPlan, source: ModelSource, seed: number): LoraStart {
  const { spec, weights, adapter } = source;
  if (adapter !== null) return { values: loraFromAdapter(lora, adapter), weights };
  return startLora(lora, { spec, weights, seed });
}
