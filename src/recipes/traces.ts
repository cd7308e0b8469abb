/** `lorikeet traces`: the first correct sampled solution of each problem, else the data set's own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TracesConfig } from '../config/index.js';
import {
  makeTraces,
  type TraceAttempt,
  type TraceProblem,
  type TraceStats,
  traceProblem,
} from '../preferences/index.js';
import { checkBeginning, withProgress } from '../report/index.js';
import type { Sampler } from '../rollout/index.js';
import { InputError } from '../util/errors.js';
import { sha256 } from '../util/files.js';
import { GO_ON, inUseRemedy } from '../util/in-use.js';
import type { RecipeContext } from './context.js';
import { tagsOf } from './inputs/answer-tags.js';
import { samplerFingerprint } from './inputs/base-fingerprint.js';
import { loadDataset } from './inputs/dataset.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { longestPrompt, type PromptedRow, promptRows } from './inputs/prompted-rows.js';
import { baseIdentity } from './inputs/quantization.js';
import { renderOptions } from './inputs/render-options.js';
import { interruption } from './interrupt.js';
import { whileLocked } from './outputs/output-lock.js';
import { checkSampling } from './sampling/check-rollouts.js';
import { openKeyedSampler } from './sampling/keyed-sampler.js';
import { requestSettings } from './sampling/request-settings.js';
import { rolloutIdentity } from './sampling/rollout-engine.js';
import { samplingParams } from './sampling/sampling-params.js';

export interface TracesResult extends TraceStats {
  readonly output: string;
}

export async function runTraces(
  config: TracesConfig,
  context: RecipeContext,
): Promise<TracesResult> {
  checkSampling(config);
  const output = join(config.output_dir, config.output_file);
  const make = async () => {
    checkTraces(output, config);
    return await tracesInto(output, config, context);
  };
  return await whileLocked(output, make, { key: 'output_file' });
}

async function tracesInto(
  output: string,
  config: TracesConfig,
  context: RecipeContext,
): Promise<TracesResult> {
  const source = await openModel(config, context);
  try {
    const inputs = await tracesInputs(config, source, context);
    const stats = await sampleTraces(output, { config, source, inputs, context });
    context.log(`traces: ${stats.grpo_successes} of ${stats.total_samples} solved, ${output}`);
    return { ...stats, output };
  } finally {
    source.close();
  }
}

/** Traces of one model are never added to another's by accident. */
function checkTraces(output: string, { overwrite, resume }: TracesConfig): void {
  checkBeginning({ overwrite, resume });
  if (overwrite || resume === 'auto' || !existsSync(output)) return;
  throw new InputError({
    where: 'output_file',
    problem: `${output} exists`,
    remedy: inUseRemedy('output_dir', { mayResume: true }),
  });
}

interface TracesInputs {
  readonly problems: readonly TraceProblem[];
  readonly prompts: readonly PromptedRow[];
}

async function tracesInputs(
  config: TracesConfig,
  { tokenizer, spec }: ModelSource,
  context: RecipeContext,
): Promise<TracesInputs> {
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  const problems = rows.map((row, index) => traceProblem(row, where(index)));
  const prompts = promptRows(tokenizer, rows, {
    render: (index) => renderOptions(config, where(index)),
    context: spec.maxPositions,
    completion: config.max_new_tokens,
  });
  return { problems, prompts };
}

interface SamplingArgs {
  readonly config: TracesConfig;
  readonly source: ModelSource;
  readonly inputs: TracesInputs;
  readonly context: RecipeContext;
}

async function sampleTraces(output: string, args: SamplingArgs): Promise<TraceStats> {
  const { config, source, context } = args;
  const { problems, prompts } = args.inputs;
  const { signal } = context;
  context.stopsInOrder?.();
  const sampler = await openKeyedSampler(source, config, {
    log: context.log,
    maxPromptLength: longestPrompt(prompts),
    maxNewTokens: config.max_new_tokens,
  });
  let replaces = config.overwrite;
  try {
    return await withProgress({ label: 'traces', total: problems.length }, (progress) =>
      makeTraces({
        problems,
        tags: tagsOf(config),
        batchSize: config.batch_size,
        maxAttempts: config.max_attempts,
        output,
        overwrite: config.overwrite,
        requestHash: requestHash(config, source, sampler.adapterHash),
        signal,
        onProgress: (done) => progress.update(done),
        onRows: () => {
          replaces = false;
        },
        generate: (attempts) => attemptAll(attempts, { sampler, prompts, config, signal }),
      }),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    throw interruption(signal, leftOf(output, replaces));
  } finally {
    sampler.dispose();
  }
}

/** What a call that is stopped leaves, and how to go on. @param replaces It has no rows yet to replace earlier ones */
const leftOf = (output: string, replaces: boolean) =>
  replaces
    ? {
        problem: 'stopped; no earlier traces are replaced yet',
        remedy: 'Give the same command again',
      }
    : { problem: `stopped; finished traces are in ${output}`, remedy: GO_ON };

/** Keys that do not change what a trace is. */
const NEUTRAL = ['dataset', 'output_dir', 'output_file'] as const;

/** Of everything beside the problems that a trace depends on. */
function requestHash(config: TracesConfig, source: ModelSource, adapter: string | null): string {
  const settings = requestSettings(config, NEUTRAL);
  const model = [samplerFingerprint(source), adapter, ...baseIdentity(config)];
  return sha256(JSON.stringify([settings, rolloutIdentity(config), model])).slice(0, 16);
}

/** One completion for each attempt; an attempt's stream depends on its number, not on the batch. */
async function attemptAll(
  attempts: readonly TraceAttempt[],
  args: {
    readonly sampler: Sampler;
    readonly prompts: readonly PromptedRow[];
    readonly config: TracesConfig;
    readonly signal: AbortSignal;
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
