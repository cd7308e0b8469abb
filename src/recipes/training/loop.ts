/** The loop of a training run here: the steps of its recipe, and checkpoints of the policy. */
import { type CheckpointStore, rotateCheckpoints, saveCheckpoint } from '../../train/index.js';
import { GuardError } from '../../util/errors.js';
import { checkFinite } from '../inputs/check-finite.js';
import type { FoundCheckpoint } from './checkpoints.js';
import { scheduleOf } from './optimization.js';
import type { PreparedTraining, TrainingSession } from './recipe.js';
import type { TrainerConfig } from './trainer-config.js';
import { type WatchedOptions, type WatchedProgress, watchedLoop } from './watched-loop.js';

interface LoopArgs extends Pick<WatchedOptions, 'trainer' | 'evaluates' | 'log'> {
  readonly config: TrainerConfig;
  readonly prepared: PreparedTraining;
  readonly store: CheckpointStore;
  readonly checkpoint: FoundCheckpoint | null;
}

/** What a killed run has left of checkpoints beyond the limit goes first. */
export function trainingLoop(
  session: TrainingSession,
  { prepared, store, checkpoint, ...watched }: LoopArgs,
): Promise<WatchedProgress> {
  const { trained, source, startStep } = session;
  const { config, evaluates } = watched;
  const keep = () => (evaluates.best === null ? [] : [evaluates.best]);
  rotateCheckpoints(store, { keep: keep() });
  return watchedLoop(session, {
    ...watched,
    schedule: scheduleOf(config, prepared.totalSteps),
    startStep,
    startTokens: checkpoint?.state.tokens ?? 0,
    step: async (step, rate) => {
      const outcome = await prepared.step(step, rate).catch((error) => {
        // A guard before anything is learnt: of the base itself, perhaps.
        if (error instanceof GuardError && trained.trainer.updates === 0)
          checkFinite(source.baseDir);
        throw error;
      });
      trained.afterStep(step + 1);
      return outcome;
    },
    isWhole: (step) => trained.trainer.updates === step - startStep,
    epochsAt: prepared.epochsAt,
    saveSteps: config.save_steps,
    savePeriod: prepared.savePeriod ?? 1,
    save: async ({ step, tokens }) => {
      const parameters = await trained.policy.parameters.download();
      const optimizer = await trained.trainer.optimizer.state();
      const moving = config.sync_ref_model === true ? trained.policy.reference : null;
      const reference = (await moving?.download()) ?? null;
      prepared.flush?.();
      const { history: evaluations, metric } = evaluates;
      await saveCheckpoint(
        store,
        { step, tokens, parameters, optimizer, reference, evaluations, metric },
        { keep: keep() },
      );
    },
  });
}
