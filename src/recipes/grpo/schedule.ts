/** How many steps a run of GRPO has, and how many prompts each generation. */
import type { GrpoConfig } from '../../config/index.js';
import { DataOrder, generationPeriod } from '../../train/index.js';

export interface GrpoSchedule {
  readonly order: DataOrder;
  /** Optimizer steps of one pass over a generation, and passes. */
  readonly stepsPerGeneration: number;
  readonly numIterations: number;
  /** Optimizer steps of a generation in all. */
  readonly period: number;
  /** Completions of a generation. */
  readonly completions: number;
  readonly totalSteps: number;
  readonly generations: number;
}

const microBatchesOf = (config: GrpoConfig): number =>
  config.steps_per_generation ?? config.gradient_accumulation_steps;

/** Completions of a generation. */
export const completionsOf = (config: GrpoConfig): number =>
  config.per_device_train_batch_size * microBatchesOf(config);

/** By TRL's batch rule. @param prompts There are so many. */
export function grpoSchedule(config: GrpoConfig, prompts: number): GrpoSchedule {
  const { gradient_accumulation_steps: accumulation, num_iterations: numIterations } = config;
  const completions = completionsOf(config);
  const order = new DataOrder({
    examples: prompts,
    batchSize: completions / config.num_generations,
    seed: config.seed,
  });
  const stepsPerGeneration = microBatchesOf(config) / accumulation;
  const period = generationPeriod({ stepsPerGeneration, numIterations });
  const totalSteps = config.max_steps ?? period * order.stepsFor(config.num_train_epochs);
  const generations = Math.ceil(totalSteps / period);
  return { order, stepsPerGeneration, numIterations, period, completions, totalSteps, generations };
}
