/** The passes of SFT and DPO over their examples: what a step sees, and how many steps there are. */
import { DataOrder } from '../../train/index.js';
import type { TrainerConfig } from './trainer-config.js';

export interface DataPasses<T> {
  readonly microBatchSize: number;
  readonly totalSteps: number;
  /** Epochs done after so many steps. */
  readonly epochsAt: (step: number) => number;
  readonly examplesOf: (step: number) => readonly T[];
}

export function dataPasses<T>(config: TrainerConfig, examples: readonly T[]): DataPasses<T> {
  const microBatchSize = config.per_device_train_batch_size;
  const order = new DataOrder({
    examples: examples.length,
    batchSize: microBatchSize * config.gradient_accumulation_steps,
    seed: config.seed,
  });
  return {
    microBatchSize,
    totalSteps: config.max_steps ?? order.stepsFor(config.num_train_epochs),
    epochsAt: (step) => order.epochsAt(step),
    examplesOf: (step) => order.batch(step).map((index) => examples[index]!),
  };
}
