/** `lorikeet dpo`: preference pairs → a policy that prefers the chosen answers. */
import type { DpoConfig } from '../config/index.js';
import { limitLengths } from '../data/index.js';
import type { MaskedSequence } from '../model/index.js';
import { startProgress } from '../report/index.js';
import { renderExample, type Tokenizer } from '../tokenizer/index.js';
import { dpoStep, type PreferencePair, withReference } from '../train/index.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { dataPasses } from './data-passes.js';
import { loadDataset, promptRow, renderOptions } from './dataset.js';
import type { ModelSource } from './model-source.js';
import { type Preview, type PreviewRequest, previewTraining } from './preview.js';
import {
  type TrainingRecipe,
  type TrainingResult,
  type TrainingSession,
  trainingRun,
} from './training-run.js';

interface AnswerSource {
  readonly tokenizer: Tokenizer;
  readonly config: DpoConfig;
  readonly where: string;
}

function answerOf(row: JsonRow, side: 'chosen' | 'rejected', source: AnswerSource): MaskedSequence {
  const completion = row[side];
  if (completion === undefined) {
    throw new InputError({
      where: source.where,
      problem: `no column "${side}" (it has ${Object.keys(row).join(', ')})`,
      remedy:
        'A pair needs question (or prompt), chosen and rejected; map others by dataset.columns',
    });
  }
  const chatRow = { ...promptRow(row), completion };
  return renderExample(source.tokenizer, chatRow, renderOptions(source.config, source.where));
}

/** Pairs whose answers are still told apart after the cut to `max_length`. */
async function pairsOf(
  config: DpoConfig,
  { tokenizer }: ModelSource,
  context: RecipeContext,
): Promise<PreferencePair[]> {
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  const sides = (['chosen', 'rejected'] as const).map((side) => {
    const answers = rows.map((row, i) =>
      answerOf(row, side, { tokenizer, config, where: where(i) }),
    );
    const limited = limitLengths(answers, { maxLength: config.max_length, policy: 'truncate' });
    const kept = new Map(limited.examples.map(({ example, index }) => [index, example]));
    return { kept, truncated: limited.truncated };
  });
  const [chosen, rejected] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const pairs: PreferencePair[] = [];
  for (const index of rows.keys()) {
    const pair = { chosen: chosen.kept.get(index), rejected: rejected.kept.get(index) };
    if (pair.chosen !== undefined && pair.rejected !== undefined) {
      pairs.push({ chosen: pair.chosen, rejected: pair.rejected });
    }
  }
  const cut = chosen.truncated + rejected.truncated;
  if (cut > 0) context.log(`data: ${cut} answers cut to ${config.max_length} tokens`);
  const lost = rows.length - pairs.length;
  if (lost > 0) context.log(`data: ${lost} pairs left out: cut before their answers`);
  return pairs;
}

async function scoredPairs(
  config: DpoConfig,
  pairs: readonly PreferencePair[],
  { trained, run }: TrainingSession,
): Promise<readonly PreferencePair[]> {
  if (!config.precompute_ref_log_probs) return pairs;
  const progress = startProgress({ label: 'reference log-probabilities', total: pairs.length });
  try {
    return await run.phases.time('reference', () =>
      withReference(pairs, {
        policy: trained.policy,
        reference: trained.reference,
        microBatchSize: config.per_device_train_batch_size,
        onPair: (done) => progress.update(done),
      }),
    );
  } finally {
    progress.stop();
  }
}

const recipe: TrainingRecipe<DpoConfig, PreferencePair[]> = {
  command: 'dpo',
  keepReference: true,
  inputs: pairsOf,
  sequences: (pairs) =>
    pairs.flatMap(({ chosen, rejected }, row) => [
      { ...chosen, row, part: 'chosen' },
      { ...rejected, row, part: 'rejected' },
    ]),
  prepare: async (config, pairs, session) => {
    const scored = await scoredPairs(config, pairs, session);
    const { microBatchSize, examplesOf, ...passes } = dataPasses(config, scored);
    return {
      ...passes,
      shown: ['loss', 'rewards/accuracies', 'rewards/margins'],
      step: dpoStep({
        trainer: session.trained.trainer,
        pairs: examplesOf,
        microBatchSize,
        reference: session.trained.reference,
        lossType: config.loss_type,
        beta: config.beta,
        labelSmoothing: config.label_smoothing,
      }),
    };
  },
};

export const runDpo = (config: DpoConfig, context: RecipeContext): Promise<TrainingResult> =>
  trainingRun(recipe, config, context);

export const previewDpo = (config: DpoConfig, request: PreviewRequest): Promise<Preview> =>
  previewTraining(recipe, config, request);
