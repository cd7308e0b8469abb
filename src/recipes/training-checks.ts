/** What a training run checks about itself: keys that changed since it began, and that it learnt at all. */
import type { RunFolder } from '../report/index.js';
import type { LoopProgress } from '../train/index.js';
import { GuardError } from '../util/errors.js';
import type { RecipeContext } from './context.js';
import type { TrainedPolicy } from './policy-source.js';

/** Keys that say how to treat an earlier output, not what to make. */
const HANDLING_KEYS = ['resume', 'overwrite'];

export function logChanges({ configChanges }: RunFolder, { log }: RecipeContext): void {
  for (const { key, values } of configChanges.filter(({ key }) => !HANDLING_KEYS.includes(key))) {
    const [before, now] = values.map((value) => JSON.stringify(value) ?? 'not set');
    log(`${key} is ${now}, was ${before} when the run began`);
  }
}

/** @throws GuardError when steps were done and nothing was learnt. */
export function checkChanged(
  { startStep, trained }: { readonly startStep: number; readonly trained: TrainedPolicy },
  { step }: LoopProgress,
): void {
  if (step === startStep || trained.trainer.hasChanged) return;
  throw new GuardError({
    where: 'unchanged_parameters',
    problem: `${step - startStep} steps changed no parameter`,
    remedy: 'Gradients were zero throughout: check rewards, loss masks and learning_rate',
  });
}
