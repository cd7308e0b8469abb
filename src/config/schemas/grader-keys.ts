/** Keys of graders and rewards that come from outside: judges, Python, a user's files. */
import { z } from 'zod';
import { nonNegative, optionalInput, optionalText, otherPath, seconds, whole } from './fields.js';
import {
  exactRolloutKeys,
  type rewardsKey,
  rolloutDeviceField,
  templateArgsField,
} from './groups.js';

/** The endpoint of judges and embeddings, or the model that judges here. */
const judgeKey = z
  .strictObject({
    base_url: optionalText('Address of an OpenAI-compatible endpoint; null is OPENAI_BASE_URL'),
    api_key_env: optionalText('Environment variable with its key; null is OPENAI_API_KEY, if set'),
    model_path: optionalInput(
      'Model that judges here, in place of an endpoint: hub id, folder or run folder',
    ),
    model_revision: optionalText('Branch, tag or commit of model_path on the hub; null is main'),
    prompt_template: optionalText('Of a model_path without a chat template: text with {prompt}'),
    chat_template_kwargs: templateArgsField(),
    max_new_tokens: whole(1)
      .default(128)
      .describe('Longest answer of model_path, tokens, where the grader does not say'),
    max_context: whole(2)
      .default(4096)
      .describe('Longest prompt and answer of model_path together, tokens'),
    ...exactRolloutKeys,
    rollout_device: rolloutDeviceField()
      .default('cpu')
      .describe('Where model_path samples: cpu; webgpu; cuda; auto: CUDA where it is set up'),
    model: optionalText('Model asked in place of the one that graders name'),
    embedding_model: optionalText('Model of embeddings, for the metric cosine'),
    cache_dir: otherPath()
      .nullable()
      .default('outputs/judge-cache')
      .describe('Folder of kept answers; null asks anew'),
    max_concurrency: whole(1).default(8).describe('Requests at the same time'),
    timeout_s: seconds().default(120).describe('Longest wait for an answer, seconds'),
    max_attempts: whole(1).default(4).describe('Tries of one request, with growing waits'),
    price_input: nonNegative().default(0).describe('Price of a million input tokens'),
    price_output: nonNegative().default(0).describe('Price of a million output tokens'),
  })
  .prefault({})
  .describe('Model graders: an endpoint, or a model here');

/** The grader object of an evaluation. */
export const graderFileKey = {
  grader_file: optionalInput(
    'Grader object (JSON file) that decides what is correct; grader then only reads answers',
  ),
};

export const sandboxField = () =>
  z
    .enum(['bubblewrap', 'none'])
    .default('bubblewrap')
    .describe('Walls around Python code; none: limits on time and memory only');

/** What grader objects need. */
export const graderObjectKeys = {
  judge: judgeKey,
  sandbox: sandboxField(),
  python_timeout_s: seconds().default(30).describe('Longest time of a Python grade, seconds'),
  python_workers: whole(1)
    .default(2)
    .describe('Python grades, and blocks of code, at the same time'),
  on_error: z
    .enum(['none', 'zero'])
    .default('none')
    .describe('Score where a grader object failed: none, or 0'),
};

/** What graders and rewards from outside need. */
export const graderKeys = {
  ...graderObjectKeys,
  reward_timeout_s: seconds()
    .default(10)
    .describe("Longest time of a grade by a user's reward file, seconds"),
};

const graderSchema = z.strictObject(graderKeys);

export type GraderKeys = z.output<typeof graderSchema>;
export type JudgeConfig = GraderKeys['judge'];

/** What holds where nothing is said. */
export const USUAL_JUDGE: JudgeConfig = judgeKey.parse({});
export type RewardConfig = z.output<typeof rewardsKey>[number];
