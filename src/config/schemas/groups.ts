/** Groups of keys that several commands share: the model, the machine, the output folder, the tags. */
import { z } from 'zod';
import {
  fileWord,
  inputPath,
  optionalInput,
  optionalText,
  optionalWhole,
  text,
  whole,
} from './fields.js';

export const modelKeys = {
  model: inputPath().describe('Hub id, Hugging Face folder, or run folder (its base and adapter)'),
  prompt_template: optionalText(
    'For models without a chat template: text with {prompt} and optionally {system}',
  ),
  system_prompt: optionalText('System message put before each prompt'),
};

export const adapterKeys = {
  adapter: optionalInput('PEFT adapter folder to put on the model'),
};

export const deviceKey = {
  device: z.enum(['auto', 'cpu', 'cuda']).default('auto').describe('Where the runtimes compute'),
};

export const machineKeys = {
  ...deviceKey,
  threads: optionalWhole(1, 'CPU threads of each runtime; null takes all cores'),
};

export const seedKey = {
  seed: whole(0).default(42).describe('Seed of everything random in the run'),
};

export const overwriteKey = {
  overwrite: z.boolean().default(false).describe('Replace an output that is already there'),
};

export const outputKeys = {
  output_dir: optionalText('Run folder; null means outputs/<run_name or run id>'),
  run_name: fileWord().nullable().default(null).describe('Name of the run in folders and reports'),
  ...overwriteKey,
};

/** The four tags of an answer: `<start_working_out>…<end_working_out><SOLUTION>…</SOLUTION>`. */
export const tagKeys = {
  reasoning_start: text().default('<start_working_out>').describe('Tag that opens the reasoning'),
  reasoning_end: text().default('<end_working_out>').describe('Tag that closes the reasoning'),
  solution_start: text().default('<SOLUTION>').describe('Tag that opens the final answer'),
  solution_end: text().default('</SOLUTION>').describe('Tag that closes the final answer'),
};

export const stageKey = (stage: string) =>
  fileWord().default(stage).describe('Stage name in debug/<stage>_<run_id>.csv (prep, full, …)');

/** Sampling from the model; `temperature` 0 is greedy. */
export const samplingKeys = (temperature: number) => ({
  temperature: z.number().min(0).max(10).default(temperature).describe('0 is greedy'),
  top_p: z.number().gt(0).max(1).default(1).describe('Keep the most likely tokens of this mass'),
  top_k: whole(0).default(0).describe('Keep this many most likely tokens; 0 keeps all'),
});

export const stopKey = {
  stop: z.array(text()).default([]).describe('Stop strings, beside the end-of-sequence tokens'),
};

/** Registered rewards and their weights. */
export const rewardsKey = z.array(
  z.strictObject({
    name: text().describe('Registered reward'),
    weight: z.number().default(1).describe('Factor in the sum'),
  }),
);
