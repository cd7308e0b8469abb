/** Keys of every trainer: optimization, schedule, memory, checkpoints, evaluation afterwards. */
import { z } from 'zod';
import { BENCHMARK_NAMES } from '../known-names.js';
import { datasetSchema } from './dataset.js';
import {
  fileWord,
  nonNegative,
  off,
  on,
  optionalText,
  optionalWhole,
  orNull,
  positive,
  text,
  whole,
  within,
} from './fields.js';
import { graderFileKey, graderObjectKeys } from './grader-keys.js';
import {
  exactRolloutKeys,
  machineKeys,
  modelKeys,
  outputKeys,
  rolloutDeviceField,
  samplingKeys,
  seedKey,
  tagKeys,
} from './groups.js';
import { inTurn } from './in-turn.js';
import { issueAt } from './issue-at.js';
import { checkLora, type LoraKeys, loraSchema } from './lora.js';
import { checkSchedule, optimizationKeys, type ScheduleKeys } from './optimization.js';
import { checkQuantization, type QuantizationKeys } from './quantization.js';
import { reportingKeys } from './reporting.js';
import { RESUME_WORDS, RESUMES } from './resume.js';

export const memoryKeys = {
  gradient_checkpointing: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe(
      'Recompute activations in the backward pass; auto: of as few layers as memory_limit asks',
    ),
  memory_limit: orNull(
    positive(),
    'GiB that training may use; null is 60% of the machine, or of the GPU it trains on',
  ),
  compute_dtype: z
    .enum(['auto', 'float32', 'bfloat16'])
    .default('auto')
    .describe('Type that matrix products compute in'),
};

const checkpointKeys = {
  save_steps: whole(1).default(500).describe('Steps between checkpoints'),
  save_total_limit: optionalWhole(
    1,
    'Checkpoints kept, the latest and the best among them; at 1 both; null keeps all',
  ),
  resume: text()
    .meta({ path: 'other', same: RESUME_WORDS, choices: RESUMES })
    .default('never')
    .describe('never, auto (latest checkpoint), or a checkpoint folder'),
};

/** What `eval` evaluates on where it says nothing. */
export const DEFAULT_BENCHMARK = 'gsm8k';

/** The evaluation that a trainer runs when it is done. */
const afterwardsSchema = z.strictObject({
  benchmark: orNull(
    text().meta({ choices: BENCHMARK_NAMES }),
    "Which rows and how they are graded; null: gsm8k's, as the rewards grade",
  ),
  dataset: datasetSchema({ split: 'test' }).describe("Rows in place of the benchmark's own"),
  ...graderFileKey,
  batch_size: whole(1).default(32).describe('Prompts sampled together'),
  ...samplingKeys(0),
  max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
  ...exactRolloutKeys,
  rollout_device: orNull(
    rolloutDeviceField(),
    "Where ONNX Runtime samples; null: where the trainer's rollouts are, else auto",
  ),
  stage: orNull(fileWord(), "Stage name in file names; null is the trainer's"),
  output_file: orNull(fileWord(), 'CSV name in debug/; null is <stage>_<run_id>.csv'),
});

/** The same where a service samples. */
const remoteSchema = afterwardsSchema.omit({
  batch_size: true,
  rollout_precision: true,
  rollout_device: true,
  rollout_memory_limit: true,
});

type ImpliedRows = Partial<z.input<ReturnType<typeof datasetSchema>>>;

/** The `eval` of a config that asks for an evaluation by another key. */
export const impliedEvaluation = (dataset: ImpliedRows = {}): z.output<typeof afterwardsSchema> =>
  afterwardsSchema.parse({ dataset });

/** The same where a service samples. */
export const impliedRemoteEvaluation = (dataset: ImpliedRows = {}): z.output<typeof remoteSchema> =>
  remoteSchema.parse({ dataset });

const evaluationField = <Schema extends z.ZodType>(schema: Schema) =>
  orNull(schema, 'Evaluate after training; null does not');

const evaluationKeys = {
  eval: evaluationField(afterwardsSchema),
  eval_dataset: orNull(
    datasetSchema({ split: 'test' }),
    'Rows whose loss is computed every eval_steps; null computes none',
  ),
  eval_steps: optionalWhole(1, 'Also evaluate every so many steps; null does not'),
  stop_at_accuracy: orNull(
    within(0, 1),
    'End training when such an evaluation reaches this accuracy',
  ),
  metric_for_best_model: optionalText(
    'Metric that tells the best step; null is eval/loss with eval_dataset, else eval/accuracy',
  ),
  greater_is_better: orNull(
    z.boolean(),
    'Whether more of that metric is better; null: yes, unless its name ends in loss',
  ),
  load_best_model_at_end: off('Keep the checkpoint of the best evaluation, and end with it'),
  early_stopping_patience: optionalWhole(
    1,
    'End after so many evaluations without a better one; null goes on',
  ),
  early_stopping_threshold: nonNegative()
    .default(0)
    .describe('By how much a better evaluation must be better'),
};

/** Those of training at a service, which samples, computes no loss of held-out rows, and keeps the last state. */
const { eval_dataset: _, load_best_model_at_end: __, ...remoteKeys } = evaluationKeys;
export const remoteEvaluationKeys = { ...remoteKeys, eval: evaluationField(remoteSchema) };

const bound = z.number().nullable();

export const guardKeys = {
  alarms: z
    .record(text(), z.array(bound).length(2).nullable())
    .default({})
    .describe('Healthy ranges in place of the default ones: {kl: [null, 1]}; null is no alarm'),
};

interface TrainerDefaults {
  readonly learningRate: number;
  readonly loraDropout: number;
}

export const trainerKeys = (defaults: TrainerDefaults) => ({
  ...modelKeys,
  dataset: datasetSchema(),
  ...outputKeys,
  ...tagKeys,
  use_lora: on('Train a LoRA adapter; false trains all weights'),
  lora: loraSchema(defaults.loraDropout),
  ...optimizationKeys(defaults.learningRate),
  ...memoryKeys,
  ...machineKeys,
  ...seedKey,
  ...checkpointKeys,
  ...reportingKeys,
  ...evaluationKeys,
  ...graderObjectKeys,
  ...guardKeys,
});

/** Values of the keys that every trainer has. */
export type TrainerKeys = z.output<z.ZodObject<ReturnType<typeof trainerKeys>>> & {
  readonly stage: string;
};

type FrozenBaseKeys = QuantizationKeys & LoraKeys;

interface WatchingChecks {
  readonly report_to: string | readonly string[];
  readonly wandb_project: string | null;
  readonly eval: object | null;
  readonly eval_dataset?: object | null;
  readonly eval_steps: number | null;
  readonly stop_at_accuracy: number | null;
  readonly load_best_model_at_end?: boolean;
  readonly early_stopping_patience: number | null;
}

/** Checks between the keys of a trainer; used with `superRefine`. */
export const checkTrainer =
  ({ loraDropout }: TrainerDefaults) =>
  (config: ScheduleKeys & WatchingChecks & FrozenBaseKeys, context: z.RefinementCtx): void =>
    inTurn(checkSchedule, checkLora(loraDropout), checkFrozenBase, checkWatching)(config, context);

/** A base in 4 bits stays as it is. */
function checkFrozenBase(config: FrozenBaseKeys, context: z.RefinementCtx): void {
  checkQuantization(config, context);
  if (!config.load_in_4bit) return;
  const issue = issueAt(context);
  const { init_lora_weights: start } = config.lora;
  if (!config.use_lora) {
    issue('load_in_4bit', 'weights in 4 bits cannot be trained. Set use_lora=true');
  }
  if (String(start).startsWith('pissa')) {
    const remedy = 'Set lora.init_lora_weights=true, or load_in_4bit=false';
    issue(
      ['lora', 'init_lora_weights'],
      `${start} changes the base, which is kept in 4 bits. ${remedy}`,
    );
  }
}

/** Of them, the checks of what is reported and evaluated. */
export function checkWatching(config: WatchingChecks, context: z.RefinementCtx): void {
  const issue = issueAt(context);
  if (config.wandb_project !== null && config.report_to === 'none') {
    issue('wandb_project', 'report_to is none. Leave out one of the two');
  }
  const { eval_steps: every, eval_dataset: dataset = null } = config;
  if (every !== null && config.eval === null && dataset === null) {
    issue('eval_steps', 'there is nothing to evaluate by. Give eval or eval_dataset');
  }
  if (dataset !== null && every === null) {
    issue('eval_dataset', 'nothing is evaluated while training. Set eval_steps');
  }
  if (config.stop_at_accuracy !== null && (every === null || config.eval === null)) {
    issue('stop_at_accuracy', 'no accuracy is measured while training. Set eval and eval_steps');
  }
  for (const key of ['load_best_model_at_end', 'early_stopping_patience'] as const) {
    if (every === null && (config[key] ?? false) !== false) {
      issue(key, 'nothing is evaluated while training. Set eval_steps');
    }
  }
}
