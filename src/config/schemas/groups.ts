/** Groups of keys that several commands share: the model, the machine, the output folder, the tags. */
import { z } from 'zod';
import { DEFAULT_TAGS } from '../../util/answer-tags.js';
import {
  fileWord,
  inputPath,
  off,
  optionalInput,
  optionalPath,
  optionalText,
  optionalWhole,
  orNull,
  positive,
  temperature,
  text,
  whole,
} from './fields.js';
import { quantizationKeys } from './quantization.js';

/** Variables that rendering itself sets. */
const RESERVED = ['messages', 'add_generation_prompt'];

/** Variables of a chat template. */
export const templateArgsField = () =>
  z
    .record(
      z
        .string()
        .regex(/^[A-Za-z_]\w*$/)
        .refine((name) => !RESERVED.includes(name), 'it is set when the messages are rendered'),
      z.unknown(),
    )
    .default({})
    .describe('Variables of the chat template, e.g. {enable_thinking: false}');

/** How rows become prompts. */
export const templateKeys = {
  prompt_template: optionalText(
    'For models without a chat template: text with {prompt} and optionally {system}',
  ),
  system_prompt: optionalText('System message put before each prompt'),
  chat_template_path: optionalInput(
    "Jinja file or tokenizer folder whose chat template replaces the model's own",
  ),
  chat_template_kwargs: templateArgsField(),
};

export const revisionKey = {
  model_revision: optionalText('Branch, tag or commit of a hub model; null is main'),
};

export const modelKey = {
  model: inputPath().describe('Hub id, Hugging Face folder, or run folder (its base and adapter)'),
  ...revisionKey,
};

/** Used with `checkQuantization`. */
export const modelKeys = {
  ...modelKey,
  ...templateKeys,
  eos_token: optionalText("Token that ends a text, in place of the tokenizer's own"),
  ...quantizationKeys,
};

export const adapterKeys = { adapter: optionalInput('PEFT adapter folder to put on the model') };

/** A model, and an adapter that may be put on it. */
export const adaptedKeys = { ...modelKeys, ...adapterKeys };

type DeviceChoice = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

const deviceSchema = z
  .string()
  .regex(/^(auto|cpu|cuda(:\d+)?)$/)
  .meta({
    expected: 'auto, cpu, cuda or cuda:N',
    choices: ['auto', 'cpu', 'cuda'],
  }) as unknown as z.ZodType<DeviceChoice, DeviceChoice>;

export const deviceKey = {
  device: deviceSchema
    .default('auto')
    .describe('Where TensorFlow computes; cuda:1 is the second GPU'),
};

export const machineKeys = {
  ...deviceKey,
  threads: optionalWhole(1, 'CPU threads of each runtime; null takes all cores'),
};

export const seedKey = {
  seed: whole(0).default(42).describe('Seed of everything random in the run'),
};

export const overwriteKey = { overwrite: off('Replace an output that is already there') };

export const outputKeys = {
  output_dir: optionalPath('Run folder; null means outputs/<run_name or run id>'),
  run_name: orNull(fileWord(), 'Name of the run in folders and reports'),
  ...overwriteKey,
};

/** The four tags of an answer: `<start_working_out>…<end_working_out><SOLUTION>…</SOLUTION>`. */
export const tagKeys = {
  reasoning_start: text()
    .default(DEFAULT_TAGS.reasoningStart)
    .describe('Tag that opens the reasoning'),
  reasoning_end: text()
    .default(DEFAULT_TAGS.reasoningEnd)
    .describe('Tag that closes the reasoning'),
  solution_start: text()
    .default(DEFAULT_TAGS.solutionStart)
    .describe('Tag that opens the final answer'),
  solution_end: text()
    .default(DEFAULT_TAGS.solutionEnd)
    .describe('Tag that closes the final answer'),
};

export const stageKey = (stage: string) =>
  fileWord().default(stage).describe('Stage name in debug/<stage>_<run_id>.csv (prep, full, …)');

/** Sampling from the model; `temperature` 0 is greedy. */
export const samplingKeys = (usual: number) => ({
  temperature: temperature().default(usual).describe('0 is greedy'),
  top_p: z.number().gt(0).max(1).default(1).describe('Keep the most likely tokens of this mass'),
  top_k: whole(0).default(0).describe('Keep this many most likely tokens; 0 keeps all'),
});

/** What else removes tokens or makes them rarer. */
export const filterKeys = {
  min_p: z
    .number()
    .min(0)
    .lt(1)
    .meta({ same: { null: 0 } })
    .default(0)
    .describe('Keep tokens at least this fraction as likely as the likeliest; 0 keeps all'),
  repetition_penalty: positive()
    .default(1)
    .describe('Above 1 makes tokens of prompt and completion less likely'),
};

/** The rest of the sampling keys, for commands that make rows. Names are those of transformers and OpenAI. */
export const decodingKeys = {
  ...filterKeys,
  logit_bias: z
    .record(z.string().regex(/^\d+$/), z.number())
    .default({})
    .describe('Token id to what is added to its logit'),
  min_new_tokens: whole(0).default(0).describe('No end of text before so many tokens'),
  stop_tokens: z
    .array(text())
    .default([])
    .describe('Tokens, as the vocabulary spells them, that end a completion'),
  response_format: orNull(
    z.record(z.string(), z.unknown()),
    '{type: json_schema, json_schema: {schema: …}} allows only such JSON',
  ),
};

const ROLLOUT_PRECISIONS = [
  'auto',
  'float32',
  'float16',
  'bfloat16',
  'int8',
  'int8_weight_only',
  'int4_weight_only',
] as const;
export type RolloutPrecision = (typeof ROLLOUT_PRECISIONS)[number];

/** For commands whose speed counts most. */
export const fastPrecisionField = () =>
  z
    .enum(ROLLOUT_PRECISIONS)
    .default('auto')
    .describe('What sampling computes in; auto: bfloat16 on CUDA and on processors fast in it');

/** For commands whose numbers count most. */
export const exactPrecisionField = () =>
  orNull(
    z.enum(ROLLOUT_PRECISIONS),
    'What sampling computes in; null: float32, on CUDA bfloat16 or float16',
  );

const ROLLOUT_DEVICES = ['auto', 'cpu', 'webgpu', 'cuda'] as const;
export type RolloutDevice = (typeof ROLLOUT_DEVICES)[number];

export const rolloutDeviceField = () => z.enum(ROLLOUT_DEVICES);

export const rolloutDeviceKey = {
  rollout_device: rolloutDeviceField()
    .default('auto')
    .describe(
      'Where ONNX Runtime samples; webgpu: any GPU; auto: CUDA where it is set up, else the CPU',
    ),
  rollout_memory_limit: orNull(
    positive(),
    'GiB of a card that sampling on CUDA may take; null sets no limit',
  ),
};

/** What a command samples in and where: one whose numbers count most, and one whose speed does. */
export const exactRolloutKeys = { rollout_precision: exactPrecisionField(), ...rolloutDeviceKey };
export const fastRolloutKeys = { rollout_precision: fastPrecisionField(), ...rolloutDeviceKey };

/** What samples here, the machine it is on, and the seed. */
export const samplerKeys = { ...exactRolloutKeys, ...machineKeys, ...seedKey };
export const fastSamplerKeys = { ...fastRolloutKeys, ...machineKeys, ...seedKey };

export const stopKey = {
  stop: z.array(text()).default([]).describe('Stop strings, beside the end-of-sequence tokens'),
};

/** Registered rewards and their weights. */
export const rewardsKey = z.array(
  z.strictObject({
    name: text().describe('Registered reward'),
    weight: z.number().default(1).describe('Factor in the sum'),
    options: z.record(z.string(), z.unknown()).default({}).describe('Settings of the reward'),
    grader: optionalInput('Grader object (JSON file) that scores under this name'),
    file: optionalInput('Module with a function (completion, row) that scores under this name'),
  }),
);
