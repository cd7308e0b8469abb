/**
 * The DPO step: each micro-batch holds the chosen and the rejected answers of its pairs; the reference
 * policy is scored on the same batch, or its log-probabilities were computed before.
 */
import { dpoLoss, needsReference, type PairSettings, type WeightedLoss } from '../losses/index.js';
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
import { type MicroTask, stepMetrics, type Trainer } from './trainer.js';

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
  readonly losses: readonly WeightedLoss[];
  readonly settings: PairSettings;
  /** Compute the prompt of a pair once for both answers; default true. */
  readonly sharePrompts?: boolean;
}

const lengthOf = ({ chosen, rejected }: PreferencePair) =>
  Math.max(chosen.ids.length, rejected.ids.length);

const collatePairs = (
  pairs: readonly PreferencePair[],
  { sharePrompts = true }: { readonly sharePrompts?: boolean },
): CollatedBatch =>
  collate([...pairs.map(({ chosen }) => chosen), ...pairs.map(({ rejected }) => rejected)], {
    sharePrompts,
  });

/** Σ log p of each row's targets. @returns `[rows]` */
export async function rowLogps(
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
    readonly sharePrompts?: boolean;
    readonly onPair?: (done: number) => void;
  },
): Promise<PreferencePair[]> {
  const out = new Map<PreferencePair, PreferencePair>();
  for (const group of microBatches(pairs, { size: options.microBatchSize, lengthOf })) {
    const sums = await rowLogps(options.policy, collatePairs(group, options), options.reference);
    for (const [i, pair] of group.entries()) {
      const reference = { chosen: sums[i]!, rejected: sums[group.length + i]! };
      out.set(pair, { ...pair, reference });
    }
    options.onPair?.(out.size);
  }
  return pairs.map((pair) => out.get(pair)!);
}

type TaskOptions = Omit<DpoStepOptions, 'pairs' | 'trainer'> & { readonly policy: Policy };

/** Micro-batches of the pairs, longest first; the reference is scored where it is not known. */
export async function dpoTasks(
  known: readonly PreferencePair[],
  options: TaskOptions,
): Promise<MicroTask[]> {
  const { microBatchSize } = options;
  const compares = needsReference(options.losses.map(({ type }) => type));
  const isKnown = known.every((pair) => pair.reference !== undefined);
  const pairs = isKnown || !compares ? known : await withReference(known, options);
  const answers = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const tokensOf = (sequences: readonly MaskedSequence[]) =>
    sequences.reduce((sum, sequence) => sum + trainedTokens(sequence), 0);
  const totals = {
    totalPairs: pairs.length,
    totalTokens: tokensOf(answers),
    totalChosenTokens: tokensOf(pairs.map(({ chosen }) => chosen)),
  };
  return microBatches(pairs, { size: microBatchSize, lengthOf }).map((group) =>
    dpoTask(group, { ...options, ...totals }),
  );
}

export function dpoStep({ trainer, pairs, ...options }: DpoStepOptions) {
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const batch = pairs(step);
    const start = performance.now();
    const tasks = await dpoTasks(batch, { ...options, policy: trainer.policy });
    const reference = (performance.now() - start) / 1000;
    const result = await trainer.step(tasks, { step, learningRate });
    const answers = batch.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    return {
      tokens: answers.reduce((sum, { ids }) => sum + ids.length, 0),
      metrics: stepMetrics(result),
      seconds: { ...result.seconds, reference },
    };
  };
}

interface StepTotals {
  readonly totalPairs: number;
  readonly totalTokens: number;
  readonly totalChosenTokens: number;
}

function dpoTask(
  pairs: readonly PreferencePair[],
  { losses, settings, sharePrompts = true, ...totals }: TaskOptions & StepTotals,
): MicroTask {
  const batch = collatePairs(pairs, { sharePrompts });
  const scored = pairs.flatMap(({ reference }) => reference ?? []);
  const referenceLogps =
    scored.length < pairs.length
      ? null
      : Float32Array.from([
          ...scored.map(({ chosen }) => chosen),
          ...scored.map(({ rejected }) => rejected),
        ]);
  const data = { pairs: pairs.length, sequences: batch.sequences, referenceLogps };
  const options = { ...settings, ...totals, losses };
  return { batch, lossOf: (scores: Tensor) => dpoLoss(scores, data, options) };
}
