/** `lorikeet grpo`: group-relative policy optimization with rollouts on ONNX Runtime. */
import { z } from 'zod';
import { type DatasetConfig, requireRows } from './dataset.js';
import {
  fileWord,
  nonNegative,
  optionalWhole,
  positive,
  scaleRewards,
  whole,
  within,
} from './fields.js';
import { graderKeys } from './grader-keys.js';
import {
  fastPrecisionField,
  filterKeys,
  rewardsKey,
  rolloutDeviceKey,
  samplingKeys,
  stageKey,
  stopKey,
} from './groups.js';
import { referenceKeys } from './reference.js';
import { codeKeys } from './strategy.js';
import { checkTrainer, impliedEvaluation, trainerKeys } from './training.js';

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

interface ClipKeys {
  readonly loss_type: string;
  readonly importance_sampling_level: string;
  readonly epsilon: number;
  readonly epsilon_high: number | null;
  readonly delta: number | null;
}

function checkClipping(config: ClipKeys, context: z.RefinementCtx): void {
  const { epsilon, delta } = config;
  const high = config.epsilon_high ?? epsilon;
  const issue = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message });
  if (config.loss_type === 'cispo' && config.epsilon_high === null) {
    issue('epsilon_high', 'cispo cuts ratios at epsilon_high itself. Set it, e.g. to 5');
  }
  if (config.loss_type === 'luspo' && config.importance_sampling_level === 'token') {
    issue('importance_sampling_level', 'luspo takes one ratio of a completion. Use sequence');
  }
  if (delta !== null && (config.loss_type === 'sapo' || config.loss_type === 'cispo')) {
    issue('delta', `${config.loss_type} bounds ratios its own way. Leave it out`);
  }
  if (delta !== null && delta <= 1 + high) {
    issue('delta', `${delta} is not above 1 + epsilon_high = ${1 + high}. Raise it`);
  }
}

function checkCorrection(
  config: {
    readonly rollout_correction_cap: number;
    readonly rollout_correction_floor: number | null;
  },
  context: z.RefinementCtx,
): void {
  const { rollout_correction_cap: cap, rollout_correction_floor: floor } = config;
  if (floor === null || floor < cap) return;
  const message = `${floor} is not below rollout_correction_cap = ${cap}. Lower it`;
  context.addIssue({ code: 'custom', path: ['rollout_correction_floor'], message });
}

interface HeldOutKeys {
  readonly eval_samples?: number | null;
  readonly eval_steps: number | null;
  readonly max_completion_length: number;
  readonly dataset: DatasetConfig;
  readonly eval: {
    readonly dataset: { readonly name: string | null; readonly path: string | null };
  } | null;
}

export function checkHeldOut(config: HeldOutKeys, context: z.RefinementCtx): void {
  const issue = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message });
  const { eval: evaluation, eval_samples: held = null, eval_steps: every } = config;
  if (held !== null && evaluation !== null) {
    const { name, path } = evaluation.dataset;
    if (name !== null || path !== null) {
      issue('eval_samples', 'eval names its own rows. Keep one of them');
    }
  }
  if (every !== null && held === null && evaluation === null && config.dataset.name === null) {
    issue(
      'eval_steps',
      'no rows to evaluate on. Give eval_samples, eval.dataset or eval.benchmark',
    );
  }
}

/** `eval_samples` asks for an evaluation; so does `eval_steps`, by the test split of a named data set. */
export function withEvaluation<Config extends HeldOutKeys>(config: Config): Config {
  const { eval: evaluation, eval_samples: held = null, eval_steps: every, dataset } = config;
  if (evaluation !== null) return config;
  const length = { max_new_tokens: config.max_completion_length };
  if (held !== null) return { ...config, eval: { ...impliedEvaluation(), ...length } };
  const { name, subset, revision, columns } = dataset;
  if (every === null || name === null) return config;
  return {
    ...config,
    eval: { ...impliedEvaluation({ name, subset, revision, columns }), ...length },
  };
}

/** The loss of GRPO tells nothing on held-out rows. */
const { eval_dataset: _, ...sharedKeys } = trainerKeys({ learningRate: 1e-6, loraDropout: 0 });

/** Sampling ahead goes on while training, so its memory is never free. */
function checkRelease(
  config: { readonly rollout_release_memory: boolean; readonly max_staleness: number },
  context: z.RefinementCtx,
): void {
  if (!config.rollout_release_memory || config.max_staleness === 0) return;
  context.addIssue({
    code: 'custom',
    path: ['rollout_release_memory'],
    message: 'max_staleness samples while training. Set one of the two',
  });
}

/** Completions written by the group. */
export const groupRowKeys = {
  save_samples: z.boolean().default(true).describe('Write completions by group, beside samples'),
  sample_save_rate: within(0, 1).default(1).describe('Share of the groups that are written'),
  samples_filename: fileWord()
    .default('samples_by_group.jsonl')
    .describe('File of the groups; samples.jsonl moves completions to completions.jsonl'),
};

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
    temperature: positive().max(10).default(1).describe('Sampling temperature, also of the loss'),
    ...stopKey,
    ...referenceKeys,
    beta: nonNegative().default(0).describe('Weight of the KL term to the reference policy'),
    num_iterations: whole(1).default(1).describe('Passes over each generated batch'),
    steps_per_generation: optionalWhole(
      1,
      'Micro-batches fed by one generation; null is gradient_accumulation_steps',
    ),
    epsilon: positive().default(0.2).describe('Clip range of the probability ratio'),
    epsilon_high: positive()
      .nullable()
      .default(null)
      .describe('Upper clip range, null is epsilon; with cispo the largest ratio itself'),
    delta: positive()
      .nullable()
      .default(null)
      .describe('Upper bound of the ratio where the advantage is negative; null is none'),
    importance_sampling_level: z
      .enum(['token', 'sequence'])
      .default('token')
      .describe('Ratio of each token, or one for each completion (GSPO)'),
    loss_type: z
      .enum(['grpo', 'dapo', 'dr_grpo', 'bnpo', 'cispo', 'sapo', 'luspo'])
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
    use_bias_correction_kl: z
      .boolean()
      .default(true)
      .describe('Weigh k1 and k3 by the ratio: their gradient is then that of the KL divergence'),
    top_entropy_quantile: within(0, 1)
      .default(1)
      .describe('Share of the tokens, those of highest entropy, that the policy loss learns from'),
    entropy_coef: nonNegative().default(0).describe('Weight of the entropy bonus'),
    off_policy_mask_threshold: positive()
      .nullable()
      .default(null)
      .describe('Leave out losing completions this far off the sampler, nats per token; null none'),
    mask_truncated_completions: z
      .boolean()
      .default(false)
      .describe('Learn nothing from completions that reached the length limit'),
    scale_rewards: scaleRewards()
      .default('group')
      .describe('Divide advantages by the standard deviation of the group, the batch, or not'),
    multi_objective_aggregation: z
      .enum(['sum_then_normalize', 'normalize_then_sum'])
      .default('sum_then_normalize')
      .describe('Sum the weighted rewards before, or after, each is scaled within its group'),
    dynamic_sampling: z
      .boolean()
      .default(false)
      .describe('Replace groups of equal rewards by groups of further prompts'),
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
    rollout_correction: z
      .boolean()
      .default(true)
      .describe('Weigh tokens by how likely the trainer finds them, relative to the sampler'),
    rollout_correction_mode: z
      .enum(['token_truncate', 'token_mask', 'sequence_truncate', 'sequence_mask'])
      .default('sequence_mask')
      .describe('Bound the weights by cutting or by dropping, per token or per completion'),
    rollout_correction_cap: positive().default(3).describe('Largest importance weight'),
    rollout_correction_floor: positive()
      .nullable()
      .default(null)
      .describe('Smallest importance weight; null is none'),
    shuffle_rewards: z
      .boolean()
      .default(false)
      .describe('Control experiment: deal the rewards to other completions of the batch'),
    rollout_precision: fastPrecisionField(),
    ...rolloutDeviceKey,
    rollout_release_memory: z
      .boolean()
      .default(false)
      .describe('Give memory of sampling on CUDA back while training; each time it is loaded anew'),
    max_logprob_difference: positive()
      .nullable()
      .default(null)
      .describe('Trainer and sampler apart by more stop; null: .001 float32, .5 bfloat16, 2 below'),
  })
  .superRefine(checkHeldOut)
  .overwrite(withEvaluation)
  .superRefine((config, context) => {
    checkTrainer(config, context);
    checkBatch(config, context);
    checkClipping(config, context);
    checkCorrection(config, context);
    if (config.sync_ref_model && config.beta === 0) {
      const message = 'with beta=0 there is no reference to move. Set beta, or leave it out';
      context.addIssue({ code: 'custom', path: ['sync_ref_model'], message });
    }
    checkRelease(config, context);
    requireRows(config.dataset, context);
  });

export type GrpoConfig = z.output<typeof grpoSchema>;
