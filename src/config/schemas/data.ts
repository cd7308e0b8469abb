/** `lorikeet data NAME`: makes or fetches a data set into JSONL with splits and statistics. */
import { z } from 'zod';
import { DATASET_NAMES } from '../known-names.js';
import {
  fileWord,
  inputPath,
  nonNegative,
  off,
  optionalInput,
  optionalPath,
  optionalText,
  optionalWhole,
  orNull,
  seconds,
  text,
  whole,
  within,
} from './fields.js';
import { sandboxField } from './grader-keys.js';
import { overwriteKey, seedKey } from './groups.js';

/** Shape of the arithmetic set. */
const arithmeticKeys = z
  .strictObject({
    max_operand: whole(2).default(99).describe('Largest operand'),
    careful_share: within(0, 1).default(0.2).describe('Demonstrations that work digit by digit'),
    subtract_share: within(0, 1).default(0.5).describe('Problems that subtract'),
    level_shares: z
      .strictObject({
        easy: nonNegative().default(0.2).describe('One digit'),
        medium: nonNegative().default(0.3).describe('More digits, no carry or borrow'),
        hard: nonNegative().default(0.5).describe('With a carry or borrow'),
      })
      .prefault({}),
    templates: whole(1).default(2).describe('Wordings of each operation'),
    names: whole(2).default(4).describe('Names of people'),
    objects: whole(1).default(4).describe('Kinds of things'),
    hold_out_share: within(0, 0.4).default(0.15).describe('Sums kept for each held-out split'),
  })
  .prefault({});

/** The set of numbers to factorize: keys that its users know without a prefix. */
const factorizationKeys = {
  num_samples: optionalWhole(1, 'factorization: rows of all splits; null makes 1000'),
  optimize: off('factorization: shares for reasoning models, with fewer very large numbers'),
  tiers: orNull(
    z.union([whole(0).max(8), z.array(whole(0).max(8)).min(1)]),
    'factorization: tiers 0 to 8 to make, one or a list; null makes all',
  ),
  samples_per_tier: optionalWhole(1, 'factorization: rows of each tier, in place of the shares'),
  max_value: optionalWhole(10, 'factorization: largest number; tiers beyond it are left out'),
  num_workers: whole(1).default(4).describe('factorization: threads that make rows'),
  factorization: z
    .strictObject({
      enhanced_share: within(0, 1)
        .default(0.3)
        .describe('Rows with a system prompt that names the algorithms'),
      combine: z
        .array(inputPath())
        .default([])
        .describe('Folders of such sets to put together, in place of making one'),
    })
    .prefault({})
    .describe('Shape of the factorization set'),
};

/** Which training rows share runs of words with benchmarks. */
const contaminationKeys = z
  .strictObject({
    train: optionalInput('Training rows: a named set, a file, a folder or a hub id'),
    train_revision: optionalText('Branch, tag or commit of them on the hub; null is main'),
    train_split: text().default('train').describe('Their split'),
    benchmarks: z.array(inputPath()).default([]).describe('Benchmarks, named the same ways'),
    benchmark_split: text().default('test').describe('Their split'),
    columns: z
      .array(text())
      .min(1)
      .default(['question', 'problem', 'prompt', 'messages', 'text'])
      .describe('Columns that are compared, those that a row has'),
    ngram: whole(2).default(13).describe('Words of a run'),
  })
  .prefault({});

/** Training rows of generative selection, from graded solutions. */
const genselectKeys = z
  .strictObject({
    input: optionalInput('Rows of graded solutions, several a question'),
    completion_column: text().default('completion').describe('Column of the solution'),
    correct_column: text().default('correct').describe('Column that says whether it is right'),
    candidates: whole(2).default(8).describe('Solutions of a question, at most; one is right'),
  })
  .prefault({});

/** Recorded solutions whose code is run again. */
const tirCheckKeys = z
  .strictObject({
    input: optionalInput('Rows of solutions with blocks of code and their outputs'),
    column: text().default('completion').describe('Column of the solution'),
    sandbox: sandboxField(),
    timeout_s: seconds().default(10).describe('Longest time of one block, seconds'),
    workers: whole(1).default(2).describe('Solutions at the same time'),
  })
  .prefault({});

/** Questions with an answer that can be checked, for reinforcement fine-tuning. */
const medicalKeys = z
  .strictObject({
    source: inputPath()
      .default('FreedomIntelligence/medical-o1-verifiable-problem')
      .describe('Hub set or file of questions and answers'),
    revision: optionalText('Branch, tag or commit of it on the hub; null is main'),
    question_column: text()
      .default('Open-ended Verifiable Question')
      .describe('Column of the question'),
    answer_column: text().default('Ground-True Answer').describe('Column of the answer'),
    filter: text()
      .nullable()
      .default('^(A|An) \\d{1,2}-year-old')
      .describe('Regular expression of the questions to keep; null keeps all'),
    prompt_type: fileWord()
      .default('simple')
      .describe('Prompt before the first user message, part of the file name; none writes none'),
    system_prompt: optionalText("The prompt's own text, under the name prompt_type"),
    demonstrations: off(
      "Also write the training rows with their answer as the assistant's turn, for SFT",
    ),
  })
  .prefault({});

export const dataSchema = z.strictObject({
  name: text()
    .meta({
      choices: [
        ...DATASET_NAMES,
        'factorization',
        'medical',
        'contamination',
        'genselect',
        'tir-check',
      ],
    })
    .describe(
      'A named set such as gsm8k, factorization, medical; or contamination, genselect, tir-check',
    ),
  revision: optionalText('Branch, tag or commit of that set on the hub; null is main'),
  output_dir: optionalPath('Folder of the JSONL files; null means outputs/data/<name>'),
  ...overwriteKey,
  train_samples: optionalWhole(1, "Rows of train.jsonl; null takes the data set's own number"),
  valid_samples: optionalWhole(
    1,
    'Rows of valid.jsonl, taken from the training rows; null makes none',
  ),
  test_samples: optionalWhole(1, "Rows of test.jsonl; null takes the data set's own number"),
  arithmetic: arithmeticKeys.describe('Shape of the arithmetic set'),
  ...factorizationKeys,
  medical: medicalKeys.describe('The medical set'),
  contamination: contaminationKeys.describe('Comparison of training rows with benchmarks'),
  tir_check: tirCheckKeys.describe('Code of recorded solutions, run again'),
  genselect: genselectKeys.describe('Rows that teach a model to select among solutions'),
  ...seedKey,
});

export type DataConfig = z.output<typeof dataSchema>;
