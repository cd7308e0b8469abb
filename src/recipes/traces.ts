/** `lorikeet traces`: the first correct sampled solution of each problem, else the data set's own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TracesConfig } from '../config/index.js';
import {
  clearTraces,
  makeTraces,
  type TraceAttempt,
  type TraceStats,
  traceProblem,
} from '../preferences/index.js';
import { startProgress } from '../report/index.js';
import type { Sampler } from '../rollout/index.js';
import { InterruptError } from '../util/errors.js';
import type { RecipeContext } from './context.js';
import { loadDataset, renderOptions, tagsOf } from './dataset.js';
import { type PromptedRow, promptRows } from './graded-rollouts.js';
import { openModel } from './model-source.js';
import { openSampler, samplingParams } from './sampling.js';

export interface TracesResult extends TraceStats {
  readonly output: string;
}

export async function runTraces(
  config: TracesConfig,
  context: RecipeContext,
): Promise<TracesResult> {
  const output = join(config.output_dir, config.output_file);
  if (config.overwrite) clearTraces(output);
  else if (existsSync(output)) context.log(`${output} exists: going on where it ends`);
  const source = await openModel(config, context);
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  const problems = rows.map((row, index) => traceProblem(row, where(index)));
  const prompts = promptRows(source.tokenizer, rows, {
    render: (index) => renderOptions(config, where(index)),
    maxPromptLength: source.spec.maxPositions - config.max_new_tokens,
  });
  const sampler = await openSampler(source, {
    threads: config.threads,
    maxBatch: config.batch_size,
    maxPromptLength: Math.max(...prompts.map(({ promptIds }) => promptIds.length)),
    maxNewTokens: config.max_new_tokens,
  });
  const progress = startProgress({ label: 'traces', total: problems.length });
  try {
    const stats = await makeTraces({
      problems,
      tags: tagsOf(config),
      batchSize: config.batch_size,
      maxAttempts: config.max_attempts,
      output,
      signal: context.signal,
      onProgress: (done) => progress.update(done),
      generate: (attempts, { signal }) =>
        attemptAll(attempts, { sampler, prompts, config, signal }),
    });
    context.log(`traces: ${stats.grpo_successes} of ${stats.total_samples} solved, ${output}`);
    return { ...stats, output };
  } catch (error) {
    if (!context.signal.aborted) throw error;
    throw new InterruptError(context.signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT', {
      problem: `stopped; finished traces are in ${output}`,
      remedy: 'The same command goes on where it stopped',
    });
  } finally {
    progress.stop();
    sampler.dispose();
    source.close();
  }
}

/** One completion for each attempt; an attempt's stream depends on its number, not on the batch. */
async function attemptAll(
  attempts: readonly TraceAttempt[],
  args: {
    readonly sampler: Sampler;
    readonly prompts: readonly PromptedRow[];
    readonly config: TracesConfig;
    readonly signal: AbortSignal | undefined;
  },
): Promise<string[]> {
  const { sampler, prompts, config, signal } = args;
  const requests = attempts.map(({ index, attempt }) => ({
    id: `${index}/${attempt}`,
    promptIds: prompts[index]!.promptIds,
    n: 1,
  }));
  const params = samplingParams(config, config.max_new_tokens);
  const completions = await sampler.generate(requests, params, { signal });
  return completions.map(({ text }) => text);
}
