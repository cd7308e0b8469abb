/** `lorikeet eval`: a benchmark on a model, with a CSV row for each example. */
import { z } from 'zod';
import { BENCHMARK_NAMES } from '../known-names.js';
import { datasetSchema } from './dataset.js';
import { fileWord, optionalInput, optionalPath, orNull, text, whole } from './fields.js';
import { graderFileKey } from './grader-keys.js';
import {
  adaptedKeys,
  outputKeys,
  rewardsKey,
  samplerKeys,
  samplingKeys,
  stageKey,
  stopKey,
  tagKeys,
} from './groups.js';
import { issueAt } from './issue-at.js';
import { checkQuantization } from './quantization.js';
import { resumeKey } from './resume.js';
import { strategyKeys } from './strategy.js';

/** Keys of an evaluation whose defaults hold where a trainer's config does not have them. */
const ownKeys = {
  grader: z
    .enum(['auto', 'numeric', 'math', 'exact', 'fuzzy', 'combined', 'factorization'])
    .default('auto')
    .describe("How answers are compared: auto is the benchmark's way (gsm8k: numeric)"),
  ...graderFileKey,
  answer_format: z
    .enum(['tags', 'boxed', 'hashes'])
    .default('tags')
    .describe('How a strict answer is marked: solution tags, \\boxed{}, or ####'),
  num_fewshot: whole(0).default(0).describe('Worked examples before each question'),
  fewshot_split: text().default('train').describe('Split of the named data set they come from'),
  fewshot_path: optionalInput('File of examples, in place of the split'),
  num_generations: whole(1)
    .default(1)
    .describe('Completions for each example, for pass@k and maj@k; strategy must be greedy'),
  pass_at: z.array(whole(1)).default([]).describe('pass@k for these k, unbiased'),
  majority_at: z.array(whole(1)).default([]).describe('maj@k for these k'),
  rewards: rewardsKey.default([]).describe('Rewards to record beside the grade'),
  ...strategyKeys,
};

export const evalSchema = z
  .strictObject({
    ...adaptedKeys,
    benchmark: text()
      .meta({ choices: BENCHMARK_NAMES })
      .default('gsm8k')
      .describe('Benchmark: which rows and how they are graded'),
    dataset: datasetSchema({ split: 'test' }).describe("Rows in place of the benchmark's own"),
    ...ownKeys,
    n_runs: whole(1).default(1).describe('Runs with seeds seed, seed + 1, …; metrics are over all'),
    ...resumeKey('auto goes on with a run that was stopped, from its predictions'),
    ...outputKeys,
    output_file: orNull(fileWord(), 'CSV name in debug/; null is <stage>_<run_id>.csv'),
    results_file: optionalPath('JSON of metrics and every example, wherever it is wanted'),
    rows_file: optionalPath('JSONL of the rows at a path of its own, beside the run folder'),
    stage: stageKey('eval'),
    ...tagKeys,
    batch_size: whole(1).default(32).describe('Prompts sampled together'),
    ...samplingKeys(0),
    max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
    ...stopKey,
    ...samplerKeys,
  })
  .superRefine(checkQuantization)
  .superRefine((config, context) => {
    const { num_generations: samples, n_runs: runs, temperature } = config;
    if ((samples === 1 && runs === 1) || temperature > 0) return;
    const what = samples > 1 ? 'samples' : 'runs';
    issueAt(context)(
      'temperature',
      `${what} at temperature 0 are all the same. Give temperature=0.7`,
    );
  })
  .superRefine((config, context) => {
    const largest = Math.max(0, ...config.pass_at, ...config.majority_at);
    const samples = config.num_generations * config.n_runs;
    if (largest <= samples) return;
    issueAt(context)(
      'num_generations',
      `k = ${largest} needs as many samples, there are ${samples}. Raise num_generations`,
    );
  })
  .superRefine((config, context) => {
    const hasBudget = config.token_budget !== null || config.time_budget !== null;
    if (config.num_generations === 1 || (config.strategy === 'greedy' && !hasBudget)) return;
    issueAt(context)(
      'num_generations',
      'a strategy, or one under a budget, gives one answer an example. Give strategy_samples instead',
    );
  });

export type EvalConfig = z.output<typeof evalSchema>;

/** Defaults of the keys that trainers' evaluations may not have. */
export const evaluationDefaults = z.strictObject(ownKeys).parse({});
