/** Training: the loop, the steps of SFT, DPO and GRPO, schedules, checkpoints. */
export { ALARMS, Alarms, alarmLine, type TrainerName } from './alarms.js';
export { listCheckpoints, stepOf } from './checkpoint-names.js';
export type { CheckpointState, Fingerprint } from './checkpoint-state.js';
export { DataOrder } from './data-order.js';
export {
  dpoStep,
  dpoTasks,
  type PreferencePair,
  type ScoredPairs,
  withReference,
} from './dpo-step.js';
export {
  bestEvaluation,
  type EvaluatedStep,
  plateauFactor,
  shouldStop,
  withEvaluation,
} from './evaluations.js';
export {
  type Generation,
  type GrpoStepOptions,
  generationPeriod,
  grpoStep,
} from './grpo-step.js';
export { type HeldOut, heldOutMetrics } from './held-out.js';
export { ktoReference, ktoStep, ktoTasks, type LabelledAnswer } from './kto-step.js';
export { loadCheckpoint } from './load-checkpoint.js';
export {
  type LoopOptions,
  type LoopProgress,
  runLoop,
  type StepEvaluation,
  type StepOutcome,
} from './loop.js';
export { preflight } from './preflight.js';
export {
  type CheckpointStore,
  clearCheckpointParts,
  removeLater,
  rotateCheckpoints,
  saveCheckpoint,
} from './save-checkpoint.js';
export { type Schedule, type ScheduleShape, wholeWarmup } from './schedule.js';
export { type SftItem, sftStep, sftTasks } from './sft-step.js';
export { Trainer } from './trainer.js';
