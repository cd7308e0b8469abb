/** The config of a trainer, whichever it is: the keys that all have, and those that some have. */
import type { GrpoConfig, SftConfig, TrainerKeys } from '../../config/index.js';

type RolloutKey = 'rollout_device' | 'rollout_memory_limit';

/** Of DPO and GRPO. */
type ReferenceKey =
  | 'reference_policy'
  | 'sync_ref_model'
  | 'ref_model_mixup_alpha'
  | 'ref_model_sync_steps';

export type TrainerConfig = Omit<TrainerKeys, 'eval_dataset'> &
  Partial<
    Pick<SftConfig, 'neftune_noise_alpha' | 'eval_dataset' | 'answer_format'> &
      Pick<
        GrpoConfig,
        'eval_samples' | 'rewards' | 'tools' | 'overlong_prompts' | RolloutKey | ReferenceKey
      >
  >;
