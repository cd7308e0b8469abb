/**
 * The DPO step: each micro-batch holds the chosen and the rejected answers of its pairs; the reference
 * policy is scored on the same batch, or its log-probabilities were computed before.
 */
import { setImmediate as signalsDelivered } from 'node:timers/promises';
import {
  dpoLoss,
  type PairSettings,
  sharedLengthWeights,
  type WeightedLoss,
} from '../losses/index.js';
import {
  type AdapterChoice,
  type CollatedBatch,
  collate,
  type MaskedSequence,
  type Policy,
  trainedTokens,
} from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import { sum } from '../util/numbers.js';
import { needsReference } from '../util/reference-free.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import { type MicroTask, stepMetrics, type Trainer } from './trainer.js';

export interface PreferencePair {
  readonly chosen: MaskedSequence;
  readonly rejected: MaskedSequence;
  /** Σ log p of the answers under the reference, when precomputed. */
  readonly reference?: { readonly chosen: number; readonly rejected: number };
}

type ScoredPair = PreferencePair & Required<Pick<PreferencePair, 'reference'>>;

/** Pairs with the reference's log-probabilities, by the pair without. */
export type ScoredPairs = Map<PreferencePair, ScoredPair>;

export interface DpoStepOptions {
  readonly trainer: Trainer;
  readonly pairs: (step: number) => readonly PreferencePair[];
  /** Pairs per micro-batch. */
  readonly microBatchSize: number;
  readonly reference: Exclude<AdapterChoice, 'policy'>;
  readonly losses: readonly WeightedLoss[];
  readonly settings: PairSettings;
  /** α of LD-DPO; null, the default: plain sums. */
  readonly ldAlpha?: number | null;
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

/** Σ w·log p of each row's targets. @param weights `[M]` w; null: 1. @returns `[rows]` */
export async function rowLogps(
  policy: Policy,
  batch: CollatedBatch,
  { adapter, weights = null }: RowLogpsOptions,
): Promise<Float32Array> {
  const logps = await policy.logps(batch, { adapter });
  const sums = new Float32Array(batch.rows);
  for (const [i, row] of batch.sequences.entries()) {
    sums[row]! += (weights?.[i] ?? 1) * logps[i]!;
  }
  return sums;
}

interface RowLogpsOptions {
  readonly adapter: AdapterChoice;
  readonly weights?: Float32Array | null;
}

/** Pairs that are computed together, and their tokens. */
interface PairBatch {
  readonly pairs: readonly PreferencePair[];
  readonly batch: CollatedBatch;
}

type BatchOptions = Pick<DpoStepOptions, 'microBatchSize' | 'sharePrompts'>;
type ScoreOptions = Pick<DpoStepOptions, 'reference' | 'ldAlpha'> & { readonly policy: Policy };

/** Longest first. */
const groupsOf = (pairs: readonly PreferencePair[], { microBatchSize }: BatchOptions) =>
  microBatches(pairs, { size: microBatchSize, lengthOf });

const pairBatches = (pairs: readonly PreferencePair[], options: BatchOptions): PairBatch[] =>
  groupsOf(pairs, options).map((group) => ({ pairs: group, batch: collatePairs(group, options) }));

/** The same with the reference's log-probabilities filled in. */
async function withScores(
  { pairs, batch }: PairBatch,
  { policy, reference, ldAlpha = null }: ScoreOptions,
): Promise<PairBatch & { readonly pairs: readonly ScoredPair[] }> {
  const weights =
    ldAlpha === null ? null : sharedLengthWeights(batch.sequences, pairs.length, ldAlpha);
  const sums = await rowLogps(policy, batch, { adapter: reference, weights });
  const scored = pairs.map((pair, i) => ({
    ...pair,
    reference: { chosen: sums[i]!, rejected: sums[pairs.length + i]! },
  }));
  return { pairs: scored, batch };
}

interface ReferenceOptions extends BatchOptions, ScoreOptions {
  /** Those known before; each further one goes in as it is computed. Default: none. */
  readonly scored?: ScoredPairs;
  /** After each micro-batch, and after signals are delivered; what it throws ends the scoring. */
  readonly onPair?: (done: number) => void;
}

/** Pairs with the reference's log-probabilities filled in. */
export async function withReference(
  pairs: readonly PreferencePair[],
  { scored = new Map(), ...options }: ReferenceOptions,
): Promise<ScoredPair[]> {
  const missing = pairs.filter((pair) => !scored.has(pair));
  for (const group of groupsOf(missing, options)) {
    const batch = { pairs: group, batch: collatePairs(group, options) };
    const { pairs: known } = await withScores(batch, options);
    for (const [i, pair] of group.entries()) scored.set(pair, known[i]!);
    await signalsDelivered();
    options.onPair?.(scored.size);
  }
  return pairs.map((pair) => scored.get(pair)!);
}

type TaskOptions = Omit<DpoStepOptions, 'pairs' | 'trainer'> & { readonly policy: Policy };

/** Scores the reference where a loss needs it and it is not known. */
async function scoredBatches(
  batches: readonly PairBatch[],
  options: TaskOptions,
): Promise<readonly PairBatch[]> {
  const isKnown = batches.every(({ pairs }) => pairs.every(({ reference }) => reference));
  if (isKnown || !needsReference(options.losses.map(({ type }) => type))) return batches;
  const scored: PairBatch[] = [];
  for (const batch of batches) scored.push(await withScores(batch, options));
  return scored;
}

/** Micro-batches of the pairs, longest first; the reference is scored where it is not known. */
export async function dpoTasks(
  pairs: readonly PreferencePair[],
  options: TaskOptions,
): Promise<MicroTask[]> {
  const totals = totalsOf(pairs);
  const batches = await scoredBatches(pairBatches(pairs, options), options);
  return batches.map((batch) => dpoTask(batch, { ...options, ...totals }));
}

function totalsOf(pairs: readonly PreferencePair[]): StepTotals {
  const tokensOf = (sequences: readonly MaskedSequence[]) => sum(sequences.map(trainedTokens));
  return {
    totalPairs: pairs.length,
    totalTokens: tokensOf(pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])),
    totalChosenTokens: tokensOf(pairs.map(({ chosen }) => chosen)),
  };
}

export function dpoStep({ trainer, pairs, ...options }: DpoStepOptions) {
  const scoring = { ...options, policy: trainer.policy };
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const asked = pairs(step);
    const totals = totalsOf(asked);
    const batches = pairBatches(asked, options);
    const start = performance.now();
    const scored = await scoredBatches(batches, scoring);
    const reference = (performance.now() - start) / 1000;
    const tasks = scored.map((batch) => dpoTask(batch, { ...options, ...totals }));
    const result = await trainer.step(tasks, { step, learningRate });
    const answers = asked.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    return {
      tokens: sum(answers.map(({ ids }) => ids.length)),
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
  { pairs, batch }: PairBatch,
  {
    losses,
    settings,
    ldAlpha = null,
    ...totals
  }: Pick<TaskOptions, 'losses' | 'settings' | 'ldAlpha'> & StepTotals,
): MicroTask {
  const scored = pairs.flatMap(({ reference }) => reference ?? []);
  const referenceLogps =
    scored.length < pairs.length
      ? null
      : Float32Array.from([
          ...scored.map(({ chosen }) => chosen),
          ...scored.map(({ rejected }) => rejected),
        ]);
  const data = { pairs: pairs.length, sequences: batch.sequences, referenceLogps };
  const options = { ...settings, ...totals, losses, ldAlpha };
  const lossOf = (scores: Tensor) => dpoLoss(scores, data, options);
  return { batch, lossOf, meanLogits: true };
}
