/** `lorikeet grpo`: group-relative policy optimization with rollouts on ONNX Runtime. */
import { z } from 'zod';
import { MIN_TEMPERATURE } from '../../util/temperature.js';
import { checkRows } from './dataset.js';
import {
  nonNegative,
  off,
  on,
  optionalWhole,
  orNull,
  positive,
  scaleRewards,
  whole,
  within,
} from './fields.js';
import { graderKeys } from './grader-keys.js';
import { groupRowKeys } from './group-rows.js';
import {
  fastRolloutKeys,
  filterKeys,
  rewardsKey,
  samplingKeys,
  stageKey,
  stopKey,
} from './groups.js';
import { checkGrpo } from './grpo-checks.js';
import { checkHeldOut, withEvaluation } from './held-out.js';
import { inTurn } from './in-turn.js';
import { referenceKeys } from './reference.js';
import { codeKeys } from './strategy.js';
import { checkTrainer, impliedEvaluation, trainerKeys } from './training.js';

const DEFAULTS = { learningRate: 1e-6, loraDropout: 0 };

/** The loss of GRPO tells nothing on held-out rows. */
const { eval_dataset: _, ...sharedKeys } = trainerKeys(DEFAULTS);

export const grpoSchema = z
  .strictObject({
    ...sharedKeys,
    stage: stageKey('grpo'),
    rewards: rewardsKey
      .min(1)
      .prefault([{ name: 'format' }, { name: 'correctness' }])
      .describe('Rewards and their weights, summed'),
    ...graderKeys,
    num_generations: whole(2).default(8).describe('Completions sampled for each prompt'),
    max_completion_length: whole(1).default(512).describe('Longest completion, tokens'),
    tools: z
      .array(z.enum(['python']))
      .default([])
      .describe('Tools of completions: python runs their blocks of code and they go on'),
    max_tool_calling_iterations: optionalWhole(
      1,
      'Blocks of code run for one completion; null: as many as max_completion_length has room for',
    ),
    ...codeKeys,
    overlong_prompts: z
      .enum(['error', 'drop', 'left'])
      .default('error')
      .describe('Prompts that leave no room for it: stop, leave them out, or cut their beginning'),
    ...samplingKeys(1),
    ...filterKeys,
    temperature: z
      .number()
      .min(MIN_TEMPERATURE)
      .max(10)
      .default(1)
      .describe('Sampling temperature, also of the loss'),
    ...stopKey,
    ...referenceKeys,
    beta: nonNegative().default(0).describe('Weight of the KL term to the reference policy'),
    num_iterations: whole(1).default(1).describe('Passes over each generated batch'),
    steps_per_generation: optionalWhole(
      1,
      'Micro-batches fed by one generation; null is gradient_accumulation_steps',
    ),
    epsilon: positive().default(0.2).describe('Clip range of the probability ratio'),
    epsilon_high: orNull(
      positive(),
      'Upper clip range, null is epsilon; with cispo the largest ratio itself',
    ),
    delta: orNull(
      positive(),
      'Upper bound of the ratio where the advantage is negative; null is none',
    ),
    importance_sampling_level: z
      .enum(['token', 'sequence'])
      .default('token')
      .describe('Ratio of each token, or one for each completion (GSPO)'),
    loss_type: z
      .enum(['grpo', 'dapo', 'dr_grpo', 'bnpo', 'cispo', 'sapo', 'luspo'])
      .meta({ refused: { vespo: 'vespo is not here. Use sapo, which weighs ratios softly, too' } })
      .default('dapo')
      .describe('How token losses are normalised; cispo and sapo also bound ratios their own way'),
    sapo_temperature_pos: positive()
      .default(1)
      .describe('Gate of sapo where the advantage is positive'),
    sapo_temperature_neg: positive().default(1.05).describe('Gate of sapo where it is not'),
    kl_estimator: z
      .enum(['k1', 'k2', 'k3'])
      .default('k3')
      .describe('Estimate of the KL term from the sampled tokens'),
    use_bias_correction_kl: on(
      'Weigh k1 and k3 by the ratio: their gradient is then that of the KL divergence',
    ),
    top_entropy_quantile: within(0, 1)
      .default(1)
      .describe('Share of the tokens, those of highest entropy, that the policy loss learns from'),
    entropy_coef: nonNegative().default(0).describe('Weight of the entropy bonus'),
    off_policy_mask_threshold: orNull(
      positive(),
      'Leave out losing completions this far off the sampler, nats per token; null none',
    ),
    mask_truncated_completions: off('Learn nothing from completions that reached the length limit'),
    scale_rewards: scaleRewards()
      .default('group')
      .describe('Divide advantages by the standard deviation of the group, the batch, or not'),
    multi_objective_aggregation: z
      .enum(['sum_then_normalize', 'normalize_then_sum'])
      .default('sum_then_normalize')
      .describe('Sum the weighted rewards before, or after, each is scaled within its group'),
    dynamic_sampling: off('Replace groups of equal rewards by groups of further prompts'),
    max_num_gen_batches: whole(1)
      .default(3)
      .describe('Rounds of sampling for one generation under dynamic_sampling'),
    max_equal_rewards: whole(1)
      .nullable()
      .default(50)
      .describe('Stop after so many generations with equal rewards in all groups; null never'),
    max_staleness: whole(0)
      .max(1)
      .default(0)
      .describe('1 samples the next generation while this one is learnt from; 0 does not'),
    eval_samples: optionalWhole(1, 'Rows of dataset held out, which are then evaluated on'),
    ...groupRowKeys,
    rollout_correction: on(
      'Weigh tokens by how likely the trainer finds them, relative to the sampler',
    ),
    rollout_correction_mode: z
      .enum(['token_truncate', 'token_mask', 'sequence_truncate', 'sequence_mask'])
      .default('sequence_mask')
      .describe('Bound the weights by cutting or by dropping, per token or per completion'),
    rollout_correction_cap: positive()
      .nullable()
      .default(3)
      .describe('Largest importance weight; null is the largest float32'),
    rollout_correction_floor: orNull(positive(), 'Smallest importance weight; null is none'),
    shuffle_rewards: off('Control experiment: deal the rewards to other completions of the batch'),
    ...fastRolloutKeys,
    rollout_release_memory: off(
      'Give memory of sampling on CUDA back while training; each time it is loaded anew',
    ),
    max_logprob_difference: orNull(
      positive(),
      'Trainer and sampler apart by more stop; null: .001 float32, .5 bfloat16, 2 below',
    ),
  })
  .superRefine(checkHeldOut)
  .overwrite(withEvaluation(impliedEvaluation))
  .superRefine(inTurn(checkTrainer(DEFAULTS), checkGrpo, checkRows));

export type GrpoConfig = z.output<typeof grpoSchema>;
