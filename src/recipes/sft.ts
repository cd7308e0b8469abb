/** `lorikeet sft`: supervised fine-tuning on problems, chats, prompt-completion pairs or plain text. */
import type { SftConfig } from '../config/index.js';
import { packByLength } from '../data/index.js';
import { TOKEN_METRICS } from '../losses/index.js';
import type { MaskedSequence } from '../model/index.js';
import { type SftItem, sftStep, sftTasks } from '../train/index.js';
import { counted } from '../util/counted.js';
import { sum } from '../util/numbers.js';
import type { RecipeContext } from './context.js';
import { type SftExamples, sftExamples } from './sft/examples.js';
import { sftSize } from './sft/memory.js';
import { dataPasses } from './training/data-passes.js';
import { type Preview, type PreviewRequest, previewTraining } from './training/preview.js';
import type { TrainingRecipe } from './training/recipe.js';
import { trainingRun } from './training/run.js';
import type { TrainingResult } from './training/session.js';

/** Examples that fill `max_length` together, as near as they do. */
function packed(
  examples: readonly MaskedSequence[],
  maxLength: number,
  { log }: RecipeContext,
): readonly (readonly MaskedSequence[])[] {
  const lengths = examples.map(({ ids }) => ids.length);
  const packs = packByLength(lengths, maxLength);
  const tokens = sum(lengths);
  const share = Math.round((100 * tokens) / (packs.length * maxLength));
  log(
    `data: ${counted(examples.length, 'example')} in ${counted(packs.length, 'pack')}, ${share}% full`,
  );
  return packs.map((pack) => pack.map((index) => examples[index]!));
}

const recipe: TrainingRecipe<SftConfig, SftExamples> = {
  command: 'sft',
  size: sftSize,
  inputs: sftExamples,
  sequences: ({ train }) => train.map((example, row) => ({ ...example, row })),
  heldOutMetrics: ({ heldOut }) => (heldOut === null ? null : ['loss', ...TOKEN_METRICS]),
  prepare: async (config, { train, heldOut }, { trained, context }) => {
    const items: readonly SftItem[] = config.packing
      ? packed(train, config.max_length, context)
      : train;
    const { microBatchSize, examplesOf, ...passes } = dataPasses(config, items);
    const loss = { lossType: config.loss_type, labelSmoothing: config.label_smoothing_factor };
    return {
      ...passes,
      shown: ['loss', 'mean_token_accuracy'],
      ...(heldOut !== null && {
        heldOut: async () => ({ tasks: sftTasks(heldOut, { microBatchSize, loss }) }),
      }),
      step: sftStep({ trainer: trained.trainer, examples: examplesOf, microBatchSize, loss }),
    };
  },
};

export const runSft = (config: SftConfig, context: RecipeContext): Promise<TrainingResult> =>
  trainingRun(recipe, config, context);

export const previewSft = (config: SftConfig, request: PreviewRequest): Promise<Preview> =>
  previewTraining(recipe, config, request);
