/** `lorikeet dpo` with the losses of single answers: rows with a label, or pairs taken apart. */
import { answerLoss, type DpoConfig } from '../../config/index.js';
import { ktoMetrics } from '../../losses/index.js';
import { ktoReference, ktoStep, ktoTasks, type LabelledAnswer } from '../../train/index.js';
import { resumeKeys } from '../../util/in-use.js';
import type { RecipeContext } from '../context.js';
import { interruption } from '../interrupt.js';
import { dataPasses } from '../training/data-passes.js';
import type { TrainingRecipe, TrainingSession } from '../training/recipe.js';
import { dpoSize } from './memory.js';
import { type PreferenceExamples, readAnswers } from './preference-examples.js';

/** Of the steps without a KL baseline, says the first. */
function sayOnce({ log }: RecipeContext): (step: number) => void {
  let isSaid = false;
  return (step) => {
    if (isSaid) return;
    isSaid = true;
    log(
      `warning: step ${step + 1}: its answers are all to one prompt, so kto has no KL baseline and takes 0; rows of such steps have no kl. Raise per_device_train_batch_size or gradient_accumulation_steps`,
    );
  };
}

/** @throws InterruptError after a signal */
function checkStopped({ run, context: { signal } }: TrainingSession): void {
  if (!signal.aborted) return;
  throw interruption(signal, {
    problem: 'stopped before the first step, while the reference was scored on eval_dataset',
    remedy: `Go on with ${resumeKeys(run.dir)}`,
  });
}

export function ktoRecipe(
  config: DpoConfig,
): TrainingRecipe<DpoConfig, PreferenceExamples<LabelledAnswer>> {
  const usesKl = answerLoss(config) === 'kto';
  return {
    command: 'dpo',
    size: dpoSize,
    inputs: readAnswers,
    sequences: ({ train }) =>
      train.map((answer, row) => ({ ...answer, row, part: answer.desirable ? 'good' : 'bad' })),
    heldOutMetrics: ({ heldOut }, { spec }) => {
      if (heldOut === null) return null;
      const has = (label: boolean) => heldOut.some(({ desirable }) => desirable === label);
      const sides = { good: has(true), bad: has(false) };
      const names = ktoMetrics(sides, { logits: spec.logitSoftcap === null });
      return ['loss', ...names, ...(usesKl ? ['kl'] : [])];
    },
    prepare: async (_, { train, heldOut }, session) => {
      const { trained, context } = session;
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
        usesKl,
        maxLength: config.max_length,
      };
      // Each evaluation scores the same answers; a reference that moves is scored then.
      const isScoredOnce = heldOut !== null && !config.sync_ref_model;
      const scoring = { ...options, policy, onBatch: () => checkStopped(session) };
      const known = isScoredOnce
        ? await session.run.phases.time('reference', () => ktoReference(heldOut, scoring))
        : undefined;
      return {
        ...passes,
        shown: ['loss', 'rewards/margins', 'kl'],
        ...(heldOut !== null && {
          heldOut: async () => {
            const { tasks, kl } = await ktoTasks(heldOut, {
              ...options,
              policy,
              ...(known && { known }),
            });
            return { tasks, metrics: kl === null ? {} : { kl } };
          },
        }),
        step: ktoStep({ ...options, trainer, answers: examplesOf, onNoBaseline: sayOnce(context) }),
      };
    },
  };
}
