/** `lorikeet bench NAME`: what is measured, and the keys of each measurement. */
import { z } from 'zod';
import {
  inputPath,
  nonNegative,
  on,
  optionalInput,
  optionalWhole,
  otherPath,
  text,
  whole,
} from './fields.js';
import {
  fastPrecisionField,
  fastRolloutKeys,
  machineKeys,
  revisionKey,
  rolloutDeviceKey,
  seedKey,
} from './groups.js';
import { checkQuantization, quantizationKeys } from './quantization.js';
import { memoryKeys } from './training.js';

export const benchSchema = z.strictObject({
  benchmark: text().describe('What is measured; each has keys of its own'),
});

export const benchRolloutSchema = z
  .strictObject({
    model: inputPath().describe('Hub id or Hugging Face folder'),
    ...revisionKey,
    adapter: otherPath()
      .default('random')
      .describe('PEFT folder; random: LoRA on all linear modules; none'),
    lora_rank: whole(1).default(16).describe('Rank of the random adapter'),
    batch: whole(1).default(32).describe('Completions in progress at once'),
    requests: optionalWhole(1, 'Prompts of one call; null: as many as batch'),
    num_generations: whole(1).default(1).describe('Completions for each prompt'),
    prompt_tokens: whole(1).default(32).describe('Tokens of each prompt, random ids'),
    max_new_tokens: whole(1).default(128).describe('Tokens of each completion; none ends earlier'),
    lengths: optionalInput(
      'JSONL whose answer column gives the lengths of completions, at most max_new_tokens',
    ),
    scheduling: z
      .enum(['continuous', 'static'])
      .default('continuous')
      .describe(
        'static: rows stay in their batch until its longest is done, then the next batch starts',
      ),
    precision: fastPrecisionField(),
    ...rolloutDeviceKey,
    temperature: nonNegative().default(1).describe('0 is greedy'),
    repeats: whole(1).default(3).describe('Measured calls after one to warm up; the median counts'),
    ...quantizationKeys,
    ...machineKeys,
    ...seedKey,
  })
  .superRefine(checkQuantization);

const trainingKeys = {
  model: inputPath().describe('Hub id or Hugging Face folder'),
  ...revisionKey,
  steps: whole(1).default(5).describe('Measured steps after two to warm up; the median counts'),
  lora_rank: whole(1).default(16).describe('Rank of LoRA on all linear modules'),
  ...quantizationKeys,
  ...memoryKeys,
  ...machineKeys,
  ...seedKey,
};

export const benchSftSchema = z
  .strictObject({
    ...trainingKeys,
    seq: whole(2).default(512).describe('Tokens of each sequence, random ids'),
    batch: whole(1).default(8).describe('Sequences of a step, in one micro-batch'),
  })
  .superRefine(checkQuantization);

const sharePrompts = on('Compute a prompt that several answers share once');

export const benchDpoSchema = z
  .strictObject({
    ...trainingKeys,
    pairs: whole(1).default(4).describe('Pairs of a step, in one micro-batch'),
    prompt_tokens: whole(1).default(72).describe('Tokens of each prompt, random ids'),
    response_tokens: whole(1).default(72).describe('Tokens of each answer'),
    share_prompts: sharePrompts,
  })
  .superRefine(checkQuantization);

export type BenchDpoConfig = z.output<typeof benchDpoSchema>;

export const benchGrpoSchema = z
  .strictObject({
    ...trainingKeys,
    prompts: whole(1).default(4).describe('Prompts of a step'),
    num_generations: whole(2).default(8).describe('Completions for each prompt'),
    prompt_tokens: whole(1).default(25).describe('Tokens of each prompt, random ids'),
    max_completion_length: whole(1)
      .default(128)
      .describe('Tokens of each completion; none ends earlier'),
    share_prompts: sharePrompts,
    ...fastRolloutKeys,
  })
  .superRefine(checkQuantization);

export type BenchGrpoConfig = z.output<typeof benchGrpoSchema>;

export type BenchSftConfig = z.output<typeof benchSftSchema>;

export type BenchRolloutConfig = z.output<typeof benchRolloutSchema>;
