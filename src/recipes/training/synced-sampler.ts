/** The sampler of evaluations while a model trains: opened at the first of them, given its weights before each. */
import type { RolloutSampler } from '../../rollout/index.js';
import type { RecipeContext } from '../context.js';
import { evaluationSampler } from '../evaluation/evaluate-model.js';
import type { ModelSource } from '../inputs/model-source.js';
import { syncSampler } from '../sampling/sync-sampler.js';
import { evaluationKeys, type TrainedEvaluation } from './evaluate-trained.js';
import type { TrainedPolicy } from './trained-policy.js';
import type { TrainerConfig } from './trainer-config.js';

interface Policy {
  readonly config: TrainerConfig;
  readonly evaluation: TrainedEvaluation | null;
  readonly source: ModelSource;
  readonly trained: TrainedPolicy;
  readonly log: RecipeContext['log'];
}

export interface SyncedSampler {
  readonly now: () => Promise<RolloutSampler>;
  /** After an evaluation: gives a card's memory back until the next one. */
  readonly rest: () => Promise<void>;
  /** Frees it; it may be opened again. */
  readonly dispose: () => void;
}

export function syncedSampler({ config, evaluation, source, trained, log }: Policy): SyncedSampler {
  let sampler: RolloutSampler | null = null;
  return {
    async now() {
      if (config.eval === null || evaluation === null) throw new Error('nothing is to be sampled');
      const keys = evaluationKeys(config, config.eval);
      const { inputs } = evaluation;
      const { lora } = trained.policy;
      sampler ??= await evaluationSampler(source, { keys, inputs, lora, log });
      await syncSampler({ trained, source }, sampler);
      return sampler;
    },
    async rest() {
      await sampler?.release?.();
    },
    dispose() {
      sampler?.dispose();
      sampler = null;
    },
  };
}
