/** Training: the loop, the steps of SFT, DPO and GRPO, schedules, checkpoints. */
export {
  type CheckpointState,
  type CheckpointStore,
  listCheckpoints,
  loadCheckpoint,
  saveCheckpoint,
  stepOf,
} from './checkpoint.js';
export { DataOrder } from './data-order.js';
export { dpoStep, type PreferencePair, withReference } from './dpo-step.js';
export { type Generation, type GradedCompletion, generationPeriod, grpoStep } from './grpo-step.js';
export { type LoopProgress, runLoop, type StepEvaluation, type StepOutcome } from './loop.js';
export type { Schedule, SchedulerType } from './schedule.js';
export { sftStep } from './sft-step.js';
export { Trainer } from './trainer.js';
