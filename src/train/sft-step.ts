/** The SFT step: examples → micro-batches with the negative log-likelihood of their trained tokens. */
import { sftLoss } from '../losses/index.js';
import { collate, type MaskedSequence, trainedTokens } from '../model/index.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import type { Trainer } from './trainer.js';

export interface SftStepOptions {
  readonly trainer: Trainer;
  readonly examples: (step: number) => readonly MaskedSequence[];
  readonly microBatchSize: number;
}

export function sftStep({ trainer, examples, microBatchSize }: SftStepOptions) {
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const sequences = examples(step);
    const totalTokens = sequences.reduce((sum, sequence) => sum + trainedTokens(sequence), 0);
    const groups = microBatches(sequences, {
      size: microBatchSize,
      lengthOf: ({ ids }) => ids.length,
    });
    const tasks = groups.map((group) => ({
      batch: collate(group),
      lossOf: (scores: Parameters<typeof sftLoss>[0]) => sftLoss(scores, { totalTokens }),
    }));
    const result = await trainer.step(tasks, { step, learningRate });
    return {
      tokens: sequences.reduce((sum, { ids }) => sum + ids.length, 0),
      metrics: { loss: result.loss, grad_norm: result.gradNorm, ...result.metrics },
      seconds: result.seconds,
    };
  };
}
