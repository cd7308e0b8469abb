/** What a training run checks about itself: keys that changed since it began, and that it learnt at all. */
import { isHandling } from '../../config/index.js';
import type { RunFolder } from '../../report/index.js';
import type { LoopProgress, TrainerName } from '../../train/index.js';
import { counted } from '../../util/counted.js';
import { GuardError } from '../../util/errors.js';
import type { RecipeContext } from '../context.js';
import type { TrainingSession } from './recipe.js';

export function logChanges(
  { configChanges, changedSources }: Pick<RunFolder, 'configChanges' | 'changedSources'>,
  { log }: Pick<RecipeContext, 'log'>,
): void {
  for (const { key, values } of configChanges.filter(({ key }) => !isHandling(key))) {
    const [before, now] = values.map((value) => JSON.stringify(value) ?? 'not set');
    log(`${key} is ${now}, was ${before} before`);
  }
  for (const { kind, name } of changedSources) {
    const change =
      kind === 'model'
        ? `the tokenizer of ${name} has changed since the run began: the rows that follow are other tokens`
        : `the rows of ${name} have changed since the run began: which of them follow, and in which order, is not as it would have been`;
    log(`warning: ${change}`);
  }
}

const UNCHANGED = {
  where: 'unchanged_parameters',
  remedy: 'Gradients were zero throughout: check rewards, loss masks and learning_rate',
};

/**
 * In GRPO rewards may be equal in every group, which is said and counted by its own alarm: a warning is
 * enough. Losses of SFT and DPO always have a gradient.
 * @throws GuardError when steps were done and nothing was learnt.
 */
export function checkChanged(
  { startStep, trained, context }: Pick<TrainingSession, 'startStep' | 'trained' | 'context'>,
  { step }: LoopProgress,
  command: TrainerName,
): void {
  if (!trained.trainer.isStuck) return;
  const problem = `${counted(step - startStep, 'step')} changed no parameter`;
  if (command !== 'grpo') throw new GuardError({ ...UNCHANGED, problem });
  context.log(`warning: ${UNCHANGED.where}: ${problem}. ${UNCHANGED.remedy}`);
}
