/** The SFT step: examples → micro-batches with the loss of their trained tokens. */
import { type SftOptions, sftColumns, sftLoss } from '../losses/index.js';
import { collate, type MaskedSequence, trainedTokens } from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import { sum } from '../util/numbers.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import { type MicroTask, stepMetrics, type Trainer } from './trainer.js';

/** One example, or several that count as one in a micro-batch. They never see each other. */
export type SftItem = MaskedSequence | readonly MaskedSequence[];

export interface SftStepOptions {
  readonly trainer: Trainer;
  readonly examples: (step: number) => readonly SftItem[];
  readonly microBatchSize: number;
  readonly loss: Omit<SftOptions, 'totalTokens'>;
}

type TaskOptions = Pick<SftStepOptions, 'microBatchSize' | 'loss'>;

const sequencesOf = (items: readonly SftItem[]): MaskedSequence[] =>
  items.flatMap((item) => ('ids' in item ? [item] : item));

const tokensOf = (sequences: readonly MaskedSequence[]): number =>
  sum(sequences.map(({ ids }) => ids.length));

/** Micro-batches of the examples, longest first. */
export function sftTasks(
  items: readonly SftItem[],
  { microBatchSize, loss }: TaskOptions,
): MicroTask[] {
  const totalTokens = sum(sequencesOf(items).map(trainedTokens));
  const groups = microBatches(items, {
    size: microBatchSize,
    lengthOf: (item) => tokensOf(sequencesOf([item])),
  });
  return groups.map((group) => ({
    batch: collate(sequencesOf(group)),
    lossOf: (scores: Tensor) => sftLoss(scores, { ...loss, totalTokens }),
    columns: sftColumns(loss),
  }));
}

export function sftStep(options: SftStepOptions) {
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const items = options.examples(step);
    const tasks = sftTasks(items, options);
    const result = await options.trainer.step(tasks, { step, learningRate });
    return {
      tokens: tokensOf(sequencesOf(items)),
      metrics: stepMetrics(result),
      seconds: result.seconds,
    };
  };
}
