/** `lorikeet sft`: supervised fine-tuning on problems, chats, prompt-completion pairs or plain text. */
import type { SftConfig } from '../config/index.js';
import { limitLengths } from '../data/index.js';
import type { MaskedSequence } from '../model/index.js';
import { renderExample } from '../tokenizer/index.js';
import { sftStep } from '../train/index.js';
import type { RecipeContext } from './context.js';
import { dataPasses } from './data-passes.js';
import { loadDataset, renderOptions, tagsOf, trainingRow } from './dataset.js';
import type { ModelSource } from './model-source.js';
import { type Preview, type PreviewRequest, previewTraining } from './preview.js';
import { type TrainingRecipe, type TrainingResult, trainingRun } from './training-run.js';

async function renderedRows(
  config: SftConfig,
  { tokenizer }: ModelSource,
  context: RecipeContext,
): Promise<MaskedSequence[]> {
  const dataset =
    config.traces_file === null
      ? config.dataset
      : { ...config.dataset, name: null, path: config.traces_file };
  const { rows, where } = await loadDataset(dataset, { seed: config.seed, context });
  const tags = tagsOf(config);
  const rendered = rows.map((row, index) => {
    const place = where(index);
    const masked = { maskToolOutput: config.mask_tool_output };
    const options = { ...renderOptions(config, place), ...masked };
    return renderExample(tokenizer, trainingRow(row, tags, place), options);
  });
  const limited = limitLengths(rendered, {
    maxLength: config.max_length,
    policy: 'truncate',
    where,
  });
  const { truncated, untrained } = limited;
  if (truncated > 0) context.log(`data: ${truncated} rows cut to ${config.max_length} tokens`);
  if (untrained > 0) context.log(`data: ${untrained} rows left out: cut before their answer`);
  return limited.examples.map(({ example }) => example);
}

const recipe: TrainingRecipe<SftConfig, MaskedSequence[]> = {
  command: 'sft',
  keepReference: false,
  inputs: renderedRows,
  sequences: (examples) => examples.map((example, row) => ({ ...example, row })),
  prepare: async (config, examples, { trained }) => {
    const { microBatchSize, examplesOf, ...passes } = dataPasses(config, examples);
    return {
      ...passes,
      shown: ['loss', 'mean_token_accuracy'],
      step: sftStep({
        trainer: trained.trainer,
        examples: examplesOf,
        microBatchSize,
      }),
    };
  },
};

export const runSft = (config: SftConfig, context: RecipeContext): Promise<TrainingResult> =>
  trainingRun(recipe, config, context);

export const previewSft = (config: SftConfig, request: PreviewRequest): Promise<Preview> =>
  previewTraining(recipe, config, request);
