/** `lorikeet dpo` with the losses of single answers: rows with a label, or pairs taken apart. */
import type { DpoConfig } from '../../config/index.js';
import { ktoStep, ktoTasks, type LabelledAnswer } from '../../train/index.js';
import { dataPasses } from '../training/data-passes.js';
import type { TrainingRecipe } from '../training/recipe.js';
import { type PreferenceExamples, readAnswers } from './preference-examples.js';

export function ktoRecipe(
  config: DpoConfig,
): TrainingRecipe<DpoConfig, PreferenceExamples<LabelledAnswer>> {
  return {
    command: 'dpo',
    keepReference: true,
    inputs: readAnswers,
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
        maxLength: config.max_length,
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
