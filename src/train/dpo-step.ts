/**
 * The DPO step: each micro-batch holds the chosen and the rejected answers of its pairs; the reference
 * policy is scored on the same batch, or its log-probabilities were computed before.
 */
import { type DpoLossType, dpoLoss } from '../losses/index.js';
import {
  type AdapterChoice,
  type CollatedBatch,
  collate,
  type MaskedSequence,
  type Policy,
  trainedTokens,
} from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import type { MicroTask, Trainer } from './trainer.js';

export interface PreferencePair {
  readonly chosen: MaskedSequence;
  readonly rejected: MaskedSequence;
  /** Σ log p of the answers under the reference, when precomputed. */
  readonly reference?: { readonly chosen: number; readonly rejected: number };
}

export interface DpoStepOptions {
  readonly trainer: Trainer;
  readonly pairs: (step: number) => readonly PreferencePair[];
  /** Pairs per micro-batch. */
  readonly microBatchSize: number;
  readonly reference: Exclude<AdapterChoice, 'policy'>;
  readonly lossType: DpoLossType;
  readonly beta: number;
  readonly labelSmoothing: number;
}

const lengthOf = ({ chosen, rejected }: PreferencePair) =>
  Math.max(chosen.ids.length, rejected.ids.length);

const collatePairs = (pairs: readonly PreferencePair[]): CollatedBatch =>
  collate([...pairs.map(({ chosen }) => chosen), ...pairs.map(({ rejected }) => rejected)]);

/** Σ log p of each row's targets. @returns `[rows]` */
async function rowLogps(
  policy: Policy,
  batch: CollatedBatch,
  adapter: AdapterChoice,
): Promise<Float32Array> {
  const scores = await policy.score(batch, { adapter });
  const sums = new Float32Array(batch.rows);
  for (const [i, row] of batch.sequences.entries()) sums[row]! += scores[3 * i]!;
  return sums;
}

/** Pairs with the reference's log-probabilities filled in. */
export async function withReference(
  pairs: readonly PreferencePair[],
  options: {
    readonly policy: Policy;
    readonly reference: Exclude<AdapterChoice, 'policy'>;
    readonly microBatchSize: number;
    readonly onPair?: (done: number) => void;
  },
): Promise<PreferencePair[]> {
  const out = new Map<PreferencePair, PreferencePair>();
  for (const group of microBatches(pairs, { size: options.microBatchSize, lengthOf })) {
    const sums = await rowLogps(options.policy, collatePairs(group), options.reference);
    for (const [i, pair] of group.entries()) {
      const reference = { chosen: sums[i]!, rejected: sums[group.length + i]! };
      out.set(pair, { ...pair, reference });
    }
    options.onPair?.(out.size);
  }
  return pairs.map((pair) => out.get(pair)!);
}

export function dpoStep(options: DpoStepOptions) {
  const { trainer, microBatchSize, reference } = options;
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const known = options.pairs(step);
    const isKnown = known.every((pair) => pair.reference !== undefined);
    const pairs = isKnown
      ? known
      : await withReference(known, { policy: trainer.policy, reference, microBatchSize });
    const answers = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    const totalTokens = answers.reduce((sum, answer) => sum + trainedTokens(answer), 0);
    const totals = { totalPairs: pairs.length, totalTokens };
    const tasks = microBatches(pairs, { size: microBatchSize, lengthOf }).map((group) =>
      dpoTask(group, { ...options, ...totals }),
    );
    const result = await trainer.step(tasks, { step, learningRate });
    return {
      tokens: answers.reduce((sum, { ids }) => sum + ids.length, 0),
      metrics: { loss: result.loss, grad_norm: result.gradNorm, ...result.metrics },
      seconds: result.seconds,
    };
  };
}

function dpoTask(
  pairs: readonly PreferencePair[],
  options: DpoStepOptions & { readonly totalPairs: number; readonly totalTokens: number },
): MicroTask {
  const batch = collatePairs(pairs);
  const referenceLogps = Float32Array.from([
    ...pairs.map((pair) => pair.reference!.chosen),
    ...pairs.map((pair) => pair.reference!.rejected),
  ]);
  const data = { pairs: pairs.length, sequences: batch.sequences, referenceLogps };
  return { batch, lossOf: (scores: Tensor) => dpoLoss(scores, data, options) };
}
