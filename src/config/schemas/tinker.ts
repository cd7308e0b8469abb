/** `lorikeet tinker`: SFT and RL with LoRA, computed by Tinker's training API. */
import { z } from 'zod';
import { checkRows, datasetSchema } from './dataset.js';
import {
  fileWord,
  maxSteps,
  nonNegative,
  on,
  optionalInput,
  optionalText,
  optionalWhole,
  orNull,
  positive,
  scaleRewards,
  seconds,
  secondsOrNone,
  text,
  warmupSteps,
  whole,
  within,
} from './fields.js';
import { graderKeys } from './grader-keys.js';
import { groupRowKeys } from './group-rows.js';
import { outputKeys, rewardsKey, samplingKeys, seedKey, tagKeys, templateKeys } from './groups.js';
import { checkHeldOut, withEvaluation } from './held-out.js';
import { issueAt } from './issue-at.js';
import { reportingKeys } from './reporting.js';
import { resumeKey } from './resume.js';
import {
  checkWatching,
  guardKeys,
  impliedRemoteEvaluation,
  remoteEvaluationKeys,
} from './training.js';

const loraKeys = {
  lora_rank: whole(1).default(32).describe('Rank of the adapter'),
  train_unembed: on('Adapt the output layer'),
  train_mlp: on('Adapt the MLP layers'),
  train_attn: on('Adapt the attention layers'),
};

const optimizerKeys = {
  learning_rate: nonNegative().default(1e-4).describe('Peak learning rate of AdamW'),
  lr_scheduler_type: z
    .enum(['linear', 'cosine', 'constant', 'constant_with_warmup'])
    .default('linear')
    .describe('How the rate changes over the steps'),
  warmup_steps: warmupSteps()
    .default(0)
    .describe('Steps in which the rate rises; below 1 their share of all steps'),
  adam_beta1: within(0, 1).default(0.9).describe('AdamW beta 1'),
  adam_beta2: within(0, 1).default(0.95).describe('AdamW beta 2'),
  adam_epsilon: positive().default(1e-12).describe('AdamW epsilon'),
  weight_decay: nonNegative().default(0).describe('Decoupled weight decay'),
  max_grad_norm: nonNegative().default(0).describe('Largest norm of the gradient; 0 clips nothing'),
};

const rlKeys = {
  num_generations: whole(2).default(8).describe('grpo: completions of each prompt'),
  num_iterations: whole(1).default(1).describe('grpo: optimizer steps on the same completions'),
  loss_type: z
    .enum(['importance_sampling', 'ppo'])
    .default('importance_sampling')
    .describe("grpo: the service's loss; ppo clips the ratio"),
  epsilon: within(0, 1).default(0.2).describe('ppo: the ratio stays in 1 ± epsilon'),
  scale_rewards: scaleRewards()
    .default('group')
    .describe('grpo: deviation that advantages are divided by'),
  max_completion_length: whole(1).default(512).describe('grpo: longest completion, tokens'),
  ...samplingKeys(1),
  rewards: rewardsKey.default([]).describe('grpo: rewards, weighted and summed'),
  ...graderKeys,
  ...tagKeys,
};

export const tinkerSchema = z
  .strictObject({
    method: z.enum(['sft', 'grpo']).describe('sft, or grpo (group-relative RL)'),
    model: text().describe('Base model, by the name of the service, as Qwen/Qwen3-8B'),
    tokenizer: optionalInput('Its tokenizer: folder or hub id; null takes model'),
    tokenizer_revision: optionalText('Branch, tag or commit of it on the hub; null is main'),
    ...templateKeys,
    dataset: datasetSchema(),
    max_length: whole(2)
      .default(4096)
      .describe('Longest sequence, tokens; longer rows are left out'),
    ...loraKeys,
    ...optimizerKeys,
    batch_size: whole(1).default(32).describe('Rows (sft) or prompts (grpo) of an optimizer step'),
    num_train_epochs: positive().default(1).describe('Passes over the rows'),
    max_steps: maxSteps('Optimizer steps, in place of the epochs'),
    ...rlKeys,
    ...groupRowKeys,
    eval_samples: optionalWhole(1, 'grpo: rows of dataset held out, which are then evaluated on'),
    ...remoteEvaluationKeys,
    ...reportingKeys,
    ...guardKeys,
    save_steps: whole(1).default(20).describe('Steps between states to resume from'),
    base_url: text()
      .default('https://tinker.thinkingmachines.dev/services/tinker-prod')
      .describe('Address of the service'),
    api_key_env: text()
      .default('TINKER_API_KEY')
      .describe('Variable that holds the key, in the environment or a file .env'),
    timeout_s: seconds().default(60).describe('Longest time of one request'),
    max_attempts: whole(1).default(8).describe('Tries of one request, with growing waits'),
    patience_s: secondsOrNone()
      .default(600)
      .describe('So long the service may be out of reach while a result is waited for'),
    ...resumeKey('auto goes on from the last state of output_dir'),
    ...outputKeys,
    stage: orNull(
      fileWord(),
      'Stage name in debug/<stage>_<run_id>.csv (cot, rl, …); null is method',
    ),
    ...seedKey,
  })
  .superRefine(checkHeldOut)
  .overwrite(withEvaluation(impliedRemoteEvaluation))
  .superRefine(checkWatching)
  .superRefine(({ method, eval_samples: held }, context) => {
    if (method !== 'sft' || held === null) return;
    issueAt(context)('eval_samples', 'sft trains on all rows of dataset. Give eval.dataset');
  })
  .superRefine(checkRows)
  .superRefine(({ train_unembed, train_mlp, train_attn }, context) => {
    if (train_unembed || train_mlp || train_attn) return;
    issueAt(context)('train_mlp', 'nothing is adapted');
  })
  .superRefine(({ method, rewards }, context) => {
    if (method !== 'grpo' || rewards.length > 0) return;
    issueAt(context)('rewards', 'grpo needs one. Give rewards=[{name: …}]');
  });

export type TinkerConfig = z.output<typeof tinkerSchema>;
