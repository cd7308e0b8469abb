/** `lorikeet grpo`: group-relative policy optimization with rollouts on ONNX Runtime. */
import { z } from 'zod';
import { requireRows } from './dataset.js';
import { nonNegative, optionalWhole, positive, whole } from './fields.js';
import { graderKeys } from './grader-keys.js';
import { rewardsKey, rolloutPrecisionField, samplingKeys, stageKey, stopKey } from './groups.js';
import { checkTrainer, trainerKeys } from './training.js';

interface BatchKeys {
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly steps_per_generation: number | null;
  readonly num_generations: number;
}

/** As in TRL: an optimizer step sees whole groups, and one generation feeds whole steps. */
function checkBatch(config: BatchKeys, context: z.RefinementCtx): void {
  const { per_device_train_batch_size: micro, gradient_accumulation_steps: steps } = config;
  const completions = micro * steps;
  const issue = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message });
  if (completions % config.num_generations !== 0) {
    issue(
      'num_generations',
      `${completions} completions per optimizer step (per_device_train_batch_size ${micro} × ` +
        `gradient_accumulation_steps ${steps}) cannot be divided by num_generations ` +
        `${config.num_generations}. Make the product a multiple of num_generations`,
    );
  }
  const perGeneration = config.steps_per_generation ?? steps;
  if (perGeneration % steps !== 0) {
    issue(
      'steps_per_generation',
      `${perGeneration} is not a multiple of gradient_accumulation_steps ${steps}. ` +
        'Micro-batches of one generation must fill whole optimizer steps',
    );
  }
}

export const grpoSchema = z
  .strictObject({
    ...trainerKeys({ learningRate: 1e-6, loraDropout: 0 }),
    stage: stageKey('grpo'),
    rewards: rewardsKey
      .min(1)
      .prefault([{ name: 'format' }, { name: 'correctness' }])
      .describe('Rewards and their weights, summed'),
    ...graderKeys,
    num_generations: whole(2).default(8).describe('Completions sampled for each prompt'),
    max_completion_length: whole(1).default(512).describe('Longest completion, tokens'),
    ...samplingKeys(1),
    temperature: positive().max(10).default(1).describe('Sampling temperature, also of the loss'),
    ...stopKey,
    beta: nonNegative().default(0).describe('Weight of the KL term to the reference policy'),
    num_iterations: whole(1).default(1).describe('Passes over each generated batch'),
    steps_per_generation: optionalWhole(
      1,
      'Micro-batches fed by one generation; null is gradient_accumulation_steps',
    ),
    epsilon: positive().default(0.2).describe('Clip range of the probability ratio'),
    epsilon_high: positive().nullable().default(null).describe('Upper clip range; null is epsilon'),
    loss_type: z
      .enum(['grpo', 'dapo', 'dr_grpo', 'bnpo'])
      .default('dapo')
      .describe('How token losses are normalised'),
    scale_rewards: z
      .enum(['group', 'batch', 'none'])
      .default('group')
      .describe('Divide advantages by the standard deviation of the group, the batch, or not'),
    rollout_correction: z
      .boolean()
      .default(true)
      .describe('Weigh tokens by how likely the trainer finds them, relative to the sampler'),
    rollout_correction_mode: z
      .enum(['token_truncate', 'token_mask', 'sequence_truncate', 'sequence_mask'])
      .default('sequence_mask')
      .describe('Bound the weights by cutting or by dropping, per token or per completion'),
    rollout_correction_cap: positive().default(3).describe('Largest importance weight'),
    shuffle_rewards: z
      .boolean()
      .default(false)
      .describe('Control experiment: deal the rewards to other completions of the batch'),
    rollout_precision: rolloutPrecisionField('auto'),
    max_logprob_difference: positive()
      .nullable()
      .default(null)
      .describe('Trainer and sampler apart by more stop; null: .001 float32, .5 bfloat16, 2 int8'),
  })
  .superRefine((config, context) => {
    checkTrainer(config, context);
    checkBatch(config, context);
    requireRows(config.dataset, context);
  });

export type GrpoConfig = z.output<typeof grpoSchema>;
