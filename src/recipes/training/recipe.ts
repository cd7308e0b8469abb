/** The contract between a trainer's recipe (`sft.ts`, `dpo.ts`, `grpo.ts`) and the run that all of them share. */
import type { RunFolder } from '../../report/index.js';
import type { HeldOut, StepOutcome, TrainerName } from '../../train/index.js';
import type { RecipeContext } from '../context.js';
import type { ModelSource } from '../inputs/model-source.js';
import type { TrainingSize } from '../memory/training-size.js';
import type { OpenRewards } from '../rewards/open-rewards.js';
import type { EvaluationWriter } from './evaluate-trained.js';
import type { PreviewSequence } from './preview.js';
import type { TrainedPolicy } from './trained-policy.js';
import type { TrainerConfig } from './trainer-config.js';

export interface TrainingRecipe<Config extends TrainerConfig, Inputs> {
  readonly command: TrainerName;
  readonly size: TrainingSize<Config>;
  /** Reads and checks everything the run needs; nothing is written yet. */
  readonly inputs: (config: Config, source: ModelSource, context: RecipeContext) => Promise<Inputs>;
  /** What `prepare` asks of this machine and the model, before the run folder is opened. */
  readonly check?: (config: Config, source: ModelSource) => void;
  /** Ends what `inputs` opened. */
  readonly close?: (inputs: Inputs) => Promise<void>;
  /** Names of the metrics of `PreparedTraining.heldOut`; null: there are no held-out rows. */
  readonly heldOutMetrics: (inputs: Inputs, source: Pick<ModelSource, 'spec'>) => string[] | null;
  /** The data as it would be trained, for `--preview`. */
  readonly sequences: (inputs: Inputs) => readonly PreviewSequence[];
  readonly prepare: (
    config: Config,
    inputs: Inputs,
    session: TrainingSession,
  ) => Promise<PreparedTraining>;
}

/** A run that is open: its folder, its model, the policy under training. */
export interface TrainingSession {
  readonly run: RunFolder;
  readonly source: ModelSource;
  readonly trained: TrainedPolicy;
  /** Steps done before this process. */
  readonly startStep: number;
  readonly context: RecipeContext;
}

/** What a recipe makes of a session: its steps, and what goes with them. */
export interface PreparedTraining {
  readonly totalSteps: number;
  readonly epochsAt: (step: number) => number;
  readonly step: (step: number, learningRate: number) => Promise<StepOutcome>;
  /** Metrics shown behind the progress bar. */
  readonly shown: readonly string[];
  readonly savePeriod?: number;
  /** `eval_dataset`, as one optimizer step. */
  readonly heldOut?: () => Promise<HeldOut>;
  /** How completions of its evaluations are written; absent: by the sampler itself. */
  readonly writer?: EvaluationWriter;
  /** Leaves an evaluation the memory of a card that its own sampler holds. */
  readonly rest?: () => Promise<void>;
  /** Rewards that its evaluations record too; closed at the end of the run. */
  readonly rewards?: OpenRewards;
  /** Called with each checkpoint, so that further logs reach the disk. */
  readonly flush?: () => void;
  /** Further calls do nothing. */
  readonly dispose?: () => Promise<void>;
}
