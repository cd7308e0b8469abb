/** The SFT step: examples → micro-batches with the loss of their trained tokens. */
import { type SftOptions, sftColumns, sftLoss } from '../losses/index.js';
import { collate, type MaskedSequence, trainedTokens } from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import { type MicroTask, stepMetrics, type Trainer } from './trainer.js';

export interface SftStepOptions {
  readonly trainer: Trainer;
  readonly examples: (step: number) => readonly MaskedSequence[];
  readonly microBatchSize: number;
  readonly loss: Omit<SftOptions, 'totalTokens'>;
}

type TaskOptions = Pick<SftStepOptions, 'microBatchSize' | 'loss'>;

/** Micro-batches of the examples, longest first. */
export function sftTasks(
  sequences: readonly MaskedSequence[],
  { microBatchSize, loss }: TaskOptions,
): MicroTask[] {
  const totalTokens = sequences.reduce((sum, sequence) => sum + trainedTokens(sequence), 0);
  const groups = microBatches(sequences, {
    size: microBatchSize,
    lengthOf: ({ ids }) => ids.length,
  });
  return groups.map((group) => ({
    batch: collate(group),
    lossOf: (scores: Tensor) => sftLoss(scores, { ...loss, totalTokens }),
    columns: sftColumns(loss),
  }));
}

export function sftStep(options: SftStepOptions) {
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const sequences = options.examples(step);
    const tasks = sftTasks(sequences, options);
    const result = await options.trainer.step(tasks, { step, learningRate });
    return {
      tokens: sequences.reduce((sum, { ids }) => sum + ids.length, 0),
      metrics: stepMetrics(result),
      seconds: result.seconds,
    };
  };
}
