/** `lorikeet openai`: a fine-tuning job at OpenAI, or at a service with the same API. */
import { z } from 'zod';
import {
  inputPath,
  nonNegative,
  optionalInput,
  optionalWhole,
  orNull,
  positive,
  seconds,
  secondsOrNone,
  text,
  whole,
} from './fields.js';
import { outputKeys } from './groups.js';
import { issueAt } from './issue-at.js';
import { resumeKey } from './resume.js';

const auto = z.literal('auto');
const countOrAuto = (doc: string) => orNull(z.union([auto, whole(1)]), doc);
const numberOrAuto = (doc: string) => orNull(z.union([auto, positive()]), doc);

/** Hyperparameters by the service's names; null leaves one to the service. */
const hyperparameterKeys = {
  n_epochs: countOrAuto('Passes over the training file; null leaves it to the service'),
  batch_size: countOrAuto('Examples a step'),
  learning_rate_multiplier: numberOrAuto("Factor on the service's own learning rate"),
  beta: numberOrAuto('dpo: penalty for leaving the reference model'),
  reasoning_effort: orNull(
    z.enum(['default', 'low', 'medium', 'high']),
    'rft: how much the model reasons',
  ),
  compute_multiplier: numberOrAuto('rft: compute spent on exploring'),
  eval_interval: countOrAuto('rft: steps between validations'),
  eval_samples: countOrAuto('rft: samples of each validation row'),
  init_value: orNull(z.number(), 'rft: passed on as it is'),
  kl_coef: orNull(nonNegative(), 'rft: passed on as it is'),
};

/** Method → its hyperparameters. */
const OF_METHOD: Readonly<Record<string, readonly (keyof typeof hyperparameterKeys)[]>> = {
  sft: ['n_epochs', 'batch_size', 'learning_rate_multiplier'],
  dpo: ['n_epochs', 'batch_size', 'learning_rate_multiplier', 'beta'],
  rft: [
    ...(['n_epochs', 'batch_size', 'learning_rate_multiplier', 'reasoning_effort'] as const),
    ...(['compute_multiplier', 'eval_interval', 'eval_samples', 'init_value', 'kl_coef'] as const),
  ],
};

const RFT_ONLY = ['grader_file', 'response_format'] as const;

export const openaiSchema = z
  .strictObject({
    method: z.enum(['sft', 'dpo', 'rft']).describe('supervised, dpo or reinforcement'),
    model: text().describe('Model to tune, by the name of the service'),
    training_file: inputPath().describe('Rows: conversations, pairs, or prompts with references'),
    validation_file: optionalInput('The same for validation'),
    ...hyperparameterKeys,
    grader_file: optionalInput('rft: grader object (JSON file)'),
    response_format: orNull(
      z.record(z.string(), z.unknown()),
      'rft: {type: json_schema, json_schema: {…}} asks for such answers',
    ),
    suffix: orNull(z.string().min(1).max(64), "Part of the tuned model's name"),
    seed: optionalWhole(0, 'Seed of the job; null leaves it to the service'),
    metadata: z
      .record(z.string().max(64), z.string().max(512))
      .default({})
      .describe('Texts attached to the job, at most 15'),
    base_url: text().default('https://api.openai.com/v1').describe('Address of the service'),
    api_key_env: text()
      .default('OPENAI_API_KEY')
      .describe('Variable that holds the key, in the environment or a file .env'),
    poll_interval_s: seconds().default(15).describe('Time between two looks at the job'),
    patience_s: secondsOrNone()
      .default(3600)
      .describe('So long the service may be out of reach while the job goes on'),
    timeout_s: seconds().default(600).describe('Longest time of one request, uploads too'),
    max_attempts: whole(1).default(5).describe('Tries of one request, with growing waits'),
    ...resumeKey('auto goes on with the job of output_dir; it is never made twice'),
    ...outputKeys,
  })
  .superRefine((config, context) => {
    const issue = issueAt(context);
    const { method } = config;
    const allowed = OF_METHOD[method] as readonly string[];
    for (const name of Object.keys(hyperparameterKeys) as (keyof typeof hyperparameterKeys)[]) {
      if (config[name] === null || allowed.includes(name)) continue;
      issue(name, `is no hyperparameter of ${method}, whose are ${allowed.join(', ')}`);
    }
    for (const name of RFT_ONLY) {
      if (config[name] !== null && method !== 'rft') issue(name, 'belongs to method=rft');
    }
    if (method === 'rft' && config.grader_file === null) {
      issue('grader_file', 'rft needs one: a JSON file with a grader object');
    }
    if (Object.keys(config.metadata).length > 15) issue('metadata', 'at most 15 texts');
  });

export type OpenaiConfig = z.output<typeof openaiSchema>;

/** The config's hyperparameters, by the service's names. */
export function openaiHyperparameters(
  config: OpenaiConfig,
): Record<string, number | string | null> {
  const names = OF_METHOD[config.method] as readonly (keyof typeof hyperparameterKeys)[];
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}
