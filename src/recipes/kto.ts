/** `lorikeet dpo` with the losses of single answers: rows with a label, or pairs taken apart. */
import type { DatasetConfig, DpoConfig } from '../config/index.js';
import { limitLengths } from '../data/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { ktoStep, ktoTasks, type LabelledAnswer, preflight } from '../train/index.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import { answerOf } from './answers.js';
import type { RecipeContext } from './context.js';
import { dataPasses } from './data-passes.js';
import { loadDataset } from './dataset.js';
import type { ModelSource } from './model-source.js';
import type { TrainingRecipe } from './training-run.js';

type Side = 'chosen' | 'rejected' | 'completion';

/** The answers of a row: one with its label, or the two of a pair. */
function sidesOf(row: JsonRow, where: string): { readonly side: Side; readonly good: boolean }[] {
  const { completion, label, chosen, rejected } = row;
  if (completion !== undefined && typeof label === 'boolean') {
    return [{ side: 'completion', good: label }];
  }
  if (chosen !== undefined && rejected !== undefined) {
    return [
      { side: 'chosen', good: true },
      { side: 'rejected', good: false },
    ];
  }
  throw new InputError({
    where,
    problem: `neither completion and label (true or false), nor chosen and rejected (it has ${Object.keys(row).join(', ')})`,
    remedy: 'Map other names by dataset.columns',
  });
}

async function answersOf(
  dataset: DatasetConfig,
  config: DpoConfig,
  { tokenizer, context }: { readonly tokenizer: Tokenizer; readonly context: RecipeContext },
): Promise<LabelledAnswer[]> {
  const { rows, where } = await loadDataset(dataset, { seed: config.seed, context });
  const answers = rows.flatMap((row, i) =>
    sidesOf(row, where(i)).map(({ side, good }) => ({
      ...answerOf(row, side, { tokenizer, config, where: where(i) }),
      desirable: good,
    })),
  );
  const limited = limitLengths(answers, { maxLength: config.max_length, policy: 'truncate' });
  const { truncated, untrained } = limited;
  if (truncated > 0) context.log(`data: ${truncated} answers cut to ${config.max_length} tokens`);
  if (untrained > 0) context.log(`data: ${untrained} answers left out: cut before their text`);
  const kept = limited.examples.map(({ example }) => example);
  const good = kept.filter(({ desirable }) => desirable).length;
  context.log(`data: ${good} good and ${kept.length - good} bad answers`);
  return kept;
}

interface AnswerExamples {
  readonly train: readonly LabelledAnswer[];
  /** Null: the config names no held-out answers. */
  readonly heldOut: readonly LabelledAnswer[] | null;
}

/** @throws GuardError when masks or special tokens are not as they should be. */
async function answerExamples(
  config: DpoConfig,
  { tokenizer }: ModelSource,
  context: RecipeContext,
): Promise<AnswerExamples> {
  const use = { tokenizer, context };
  const train = await answersOf(config.dataset, config, use);
  preflight(train, { bosId: tokenizer.bosId, eosIds: tokenizer.eosIds, hasContext: true });
  const { eval_dataset: held } = config;
  return { train, heldOut: held === null ? null : await answersOf(held, config, use) };
}

export function ktoRecipe(config: DpoConfig): TrainingRecipe<DpoConfig, AnswerExamples> {
  return {
    command: 'dpo',
    keepReference: true,
    inputs: answerExamples,
    sequences: ({ train }) =>
      train.map((answer, row) => ({ ...answer, row, part: answer.desirable ? 'good' : 'bad' })),
    prepare: async (_, { train, heldOut }, { trained }) => {
      const { microBatchSize, examplesOf, ...passes } = dataPasses(config, train);
      const { policy, reference, trainer } = trained;
      const options = {
        microBatchSize,
        reference,
        settings: {
          beta: config.beta,
          desirableWeight: config.desirable_weight,
          undesirableWeight: config.undesirable_weight,
        },
        usesKl: [config.loss_type].flat().includes('kto'),
      };
      return {
        ...passes,
        shown: ['loss', 'rewards/margins', 'kl'],
        ...(heldOut !== null && {
          heldOut: async () => (await ktoTasks(heldOut, { ...options, policy })).tasks,
        }),
        step: ktoStep({ ...options, trainer, answers: examplesOf }),
      };
    },
  };
}
