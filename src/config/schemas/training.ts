/** Keys of every trainer: optimization, schedule, memory, checkpoints, evaluation afterwards. */
import { z } from 'zod';
import { datasetSchema } from './dataset.js';
import { fileWord, nonNegative, optionalWhole, positive, text, whole, within } from './fields.js';
import { machineKeys, modelKeys, outputKeys, samplingKeys, seedKey, tagKeys } from './groups.js';
import { loraSchema } from './lora.js';
import { reportingKeys } from './reporting.js';

/** Names and defaults of transformers' TrainingArguments. */
const optimizationKeys = (learningRate: number) => ({
  learning_rate: positive().default(learningRate).describe('Peak learning rate'),
  lr_scheduler_type: z
    .enum(['linear', 'cosine', 'constant', 'constant_with_warmup'])
    .default('linear')
    .describe('Learning rate after the warm-up'),
  warmup_steps: whole(0).default(0).describe('Optimizer steps of linear warm-up'),
  warmup_ratio: within(0, 1).default(0).describe('Warm-up as a share of all steps'),
  per_device_train_batch_size: whole(1).default(8).describe('Sequences in one micro-batch'),
  gradient_accumulation_steps: whole(1).default(1).describe('Micro-batches in one optimizer step'),
  num_train_epochs: positive().default(3).describe('Passes over the data'),
  max_steps: optionalWhole(1, 'Optimizer steps; overrides num_train_epochs'),
  weight_decay: nonNegative().default(0).describe('Decoupled weight decay of AdamW'),
  adam_beta1: z.number().min(0).lt(1).default(0.9).describe('Decay of the first moment'),
  adam_beta2: z.number().min(0).lt(1).default(0.999).describe('Decay of the second moment'),
  adam_epsilon: positive().default(1e-8).describe('Added to the root of the second moment'),
  max_grad_norm: nonNegative().default(1).describe('Clip the gradient to this norm; 0 is off'),
});

export const memoryKeys = {
  gradient_checkpointing: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe(
      'Recompute activations in the backward pass; auto: of as few layers as memory_limit asks',
    ),
  memory_limit: positive()
    .nullable()
    .default(null)
    .describe('GiB that training may use; null is 60% of this machine'),
  compute_dtype: z
    .enum(['auto', 'float32', 'bfloat16'])
    .default('auto')
    .describe('Type that matrix products compute in'),
};

const checkpointKeys = {
  save_steps: whole(1).default(500).describe('Steps between checkpoints'),
  save_total_limit: optionalWhole(1, 'Checkpoints kept; null keeps all'),
  resume: text()
    .default('never')
    .describe('never, auto (latest checkpoint), or a checkpoint folder'),
};

/** The evaluation that a trainer runs when it is done. */
const afterwardsSchema = z.strictObject({
  benchmark: text().default('gsm8k').describe('Which rows and how they are graded'),
  dataset: datasetSchema({ split: 'test' }).describe("Rows in place of the benchmark's own"),
  batch_size: whole(1).default(32).describe('Prompts sampled together'),
  ...samplingKeys(0),
  max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
  stage: fileWord()
    .nullable()
    .default(null)
    .describe("Stage name in file names; null is the trainer's"),
  output_file: fileWord()
    .nullable()
    .default(null)
    .describe('CSV name in debug/; null is <stage>_<run_id>.csv'),
});

export const trainerKeys = (defaults: {
  readonly learningRate: number;
  readonly loraDropout: number;
}) => ({
  ...modelKeys,
  dataset: datasetSchema(),
  ...outputKeys,
  ...tagKeys,
  use_lora: z.boolean().default(true).describe('Train a LoRA adapter; false trains all weights'),
  lora: loraSchema(defaults.loraDropout),
  ...optimizationKeys(defaults.learningRate),
  ...memoryKeys,
  ...machineKeys,
  ...seedKey,
  ...checkpointKeys,
  ...reportingKeys,
  eval: afterwardsSchema
    .nullable()
    .default(null)
    .describe('Evaluate after training; null does not'),
  eval_steps: optionalWhole(1, 'Also evaluate every so many steps; null does not'),
  stop_at_accuracy: within(0, 1)
    .nullable()
    .default(null)
    .describe('End training when such an evaluation reaches this accuracy'),
});

/** Checks between the keys of a trainer; used with `superRefine`. */
export function checkTrainer(
  config: {
    readonly warmup_steps: number;
    readonly warmup_ratio: number;
    readonly eval: object | null;
    readonly eval_steps: number | null;
    readonly stop_at_accuracy: number | null;
  },
  context: z.RefinementCtx,
): void {
  if (config.eval_steps !== null && config.eval === null) {
    const message = 'there is no eval section to evaluate by. Give eval: {dataset: …}';
    context.addIssue({ code: 'custom', path: ['eval_steps'], message });
  }
  if (config.stop_at_accuracy !== null && config.eval_steps === null) {
    const message = 'nothing is evaluated while training. Set eval_steps';
    context.addIssue({ code: 'custom', path: ['stop_at_accuracy'], message });
  }
  if (config.warmup_steps > 0 && config.warmup_ratio > 0) {
    context.addIssue({
      code: 'custom',
      path: ['warmup_ratio'],
      message: `warmup_ratio ${config.warmup_ratio} and warmup_steps ${config.warmup_steps} are both set. Keep one`,
    });
  }
}
