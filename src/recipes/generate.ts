/** `lorikeet generate`: batched sampling from a model (and adapter) into rows, graded when asked. */
import type { GenerateConfig } from '../config/index.js';
import { numericGrader } from '../evaluate/index.js';
import { sampleRow, withProgress } from '../report/index.js';
import { makeRewards } from '../rewards/index.js';
import { type JsonRow, readJsonl } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { renderOptions, tagsOf } from './dataset.js';
import {
  type GradedRollout,
  gradedRollouts,
  type PromptedRow,
  promptRows,
} from './graded-rollouts.js';
import { interruption } from './interrupt.js';
import { type ModelSource, openModel } from './model-source.js';
import { checkOutput, type WrittenRows, writeRows } from './rows-output.js';
import { openSampler, samplingParams } from './sampling.js';

export async function runGenerate(
  config: GenerateConfig,
  context: RecipeContext,
): Promise<WrittenRows | null> {
  checkOutput(config);
  const source = await openModel(config, context);
  try {
    const prompts = promptsOf(config, source);
    const rollouts = await sampleAll(config, { source, prompts, context });
    return writeRows(
      config,
      rollouts.map((rollout) => outputRow(rollout, config)),
      context,
    );
  } finally {
    source.close();
  }
}

function promptsOf(config: GenerateConfig, { tokenizer, spec }: ModelSource): PromptedRow[] {
  const rows: JsonRow[] =
    config.input === null ? [{ prompt: config.prompt }] : readJsonl(config.input);
  const where = (index: number) =>
    config.input === null ? 'prompt' : `${config.input}:${index + 1}`;
  return promptRows(tokenizer, rows, {
    render: (index) => renderOptions(config, where(index)),
    context: spec.maxPositions,
    completion: config.max_new_tokens,
  }).map((prompt, index) => ({ ...prompt, id: String(index) }));
}

async function sampleAll(
  config: GenerateConfig,
  args: {
    readonly source: ModelSource;
    readonly prompts: readonly PromptedRow[];
    readonly context: RecipeContext;
  },
): Promise<GradedRollout[]> {
  const { source, prompts, context } = args;
  const sampler = await openSampler(source, {
    threads: config.threads,
    maxBatch: config.batch_size,
    maxPromptLength: Math.max(...prompts.map(({ promptIds }) => promptIds.length)),
    maxNewTokens: config.max_new_tokens,
  });
  const grade =
    config.rewards.length > 0
      ? makeRewards(config.rewards, { tags: tagsOf(config) })
      : () => ({ total: null, parts: {} });
  const total = prompts.length * config.num_generations;
  try {
    const rollouts = await withProgress({ label: 'generating', total }, (progress) => {
      let done = 0;
      return gradedRollouts(prompts, {
        sampler,
        params: samplingParams(config, config.max_new_tokens),
        n: config.num_generations,
        grade,
        signal: context.signal,
        onCompletion: ({ finishReason }) => {
          if (finishReason !== 'aborted') progress.update(++done);
        },
      });
    });
    if (!context.signal.aborted) return rollouts;
    throw interruption(context.signal, { problem: 'stopped while generating; nothing is written' });
  } finally {
    sampler.dispose();
  }
}

/** The row's own columns, the completion, and its grades when there are any. */
function outputRow({ prompt, completion, grade }: GradedRollout, config: GenerateConfig): JsonRow {
  const row: JsonRow = {
    ...prompt.row,
    prompt_id: prompt.id,
    sample_index: completion.sampleIndex,
    completion: completion.text,
    completion_ids: completion.ids,
    logprobs: Array.from(completion.logprobs),
    finish_reason: completion.finishReason,
    adapter: completion.adapter,
    seconds: completion.seconds,
  };
  if (config.rewards.length === 0) return row;
  const { reward, rewards, statuses } = sampleRow(completion, { step: 0, prompt: '', grade });
  const { correct } = numericGrader({ tags: tagsOf(config) })(completion.text, prompt.row);
  return { ...row, reward, rewards, statuses, correct };
}
