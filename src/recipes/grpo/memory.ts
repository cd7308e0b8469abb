/** What the memory plan counts of `grpo`, whose completions count with their full length. */
import type { GrpoConfig } from '../../config/index.js';
import { PROMPT_LENGTH } from '../memory/batch-shape.js';
import type { TrainingSize } from '../memory/training-size.js';
import { completionsOf } from './schedule.js';

export const grpoSize: TrainingSize<GrpoConfig> = {
  comparesWithReference: ({ beta }) => beta > 0,
  shape: (config) => {
    const { per_device_train_batch_size: rows, num_generations: generations } = config;
    const longest = PROMPT_LENGTH + config.max_completion_length;
    // Of completions that are masked one by one, those that are left may all have prompts of their own.
    if (config.mask_truncated_completions) return { rows, longest };
    return { rows, longest, shared: { length: PROMPT_LENGTH, generations } };
  },
  usualLength: ({ max_completion_length }, mean) => mean + max_completion_length,
  rollouts: (config) => ({
    keys: config,
    rows: completionsOf(config),
    context: PROMPT_LENGTH + config.max_completion_length,
  }),
};
