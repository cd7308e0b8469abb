/**
 * The GRPO step: every `period` steps the recipe's `collect` brings a generation of graded completions,
 * which is cut into optimizer steps and passed over `num_iterations` times.
 *
 * With one step per generation the policy that sampled is the policy that learns, and the ratio is taken
 * to the current log-probabilities; with more, they are computed once by the trainer before the first.
 */
import {
  type CorrectionMode,
  type GrpoLossType,
  grpoLoss,
  tokenCoefficient,
} from '../losses/index.js';
import {
  type AdapterChoice,
  type CollatedBatch,
  collate,
  type MaskedSequence,
} from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import type { MicroTask, StepResult, Trainer } from './trainer.js';

export interface GradedCompletion {
  readonly promptIds: readonly number[];
  /** As sampled, the end token included. */
  readonly ids: readonly number[];
  /** The sampler's log p of each id. */
  readonly logprobs: Float32Array;
  readonly advantage: number;
}

export interface Generation {
  readonly completions: readonly GradedCompletion[];
  /** Reward and length metrics of the generation. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface GrpoStepOptions {
  readonly trainer: Trainer;
  /** Brings the completions for the optimizer steps from `step` on. */
  readonly collect: (step: number) => Promise<Generation>;
  readonly microBatchSize: number;
  /** Optimizer steps that one pass over a generation takes. */
  readonly stepsPerGeneration: number;
  readonly numIterations: number;
  readonly temperature: number;
  readonly lossType: GrpoLossType;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly beta: number;
  /** Reference of the KL term; used when beta > 0. */
  readonly reference: Exclude<AdapterChoice, 'policy'>;
  readonly maxCompletionLength: number;
  readonly correction: { readonly mode: CorrectionMode; readonly cap: number } | null;
}

interface Rollout extends MaskedSequence {
  readonly completion: GradedCompletion;
  old: Float32Array | null;
}

/** Optimizer steps that one generation feeds. */
export const generationPeriod = (options: {
  readonly stepsPerGeneration: number;
  readonly numIterations: number;
}): number => options.stepsPerGeneration * options.numIterations;

function rolloutOf(completion: GradedCompletion): Rollout {
  const { promptIds, ids } = completion;
  const trained = [...promptIds.map(() => false), ...ids.map(() => true)];
  return { ids: [...promptIds, ...ids], trained, completion, old: null };
}

/** Joins the per-token arrays of a group in the order of `collate`. */
function joined(
  group: readonly Rollout[],
  of: (rollout: Rollout) => ArrayLike<number>,
): Float32Array {
  return Float32Array.from(group.flatMap((rollout) => Array.from(of(rollout))));
}

const lengthOf = ({ ids }: Rollout) => ids.length;
const completionTokens = (rollouts: readonly Rollout[]) =>
  rollouts.reduce((sum, { completion }) => sum + completion.ids.length, 0);

export function grpoStep(options: GrpoStepOptions) {
  const { trainer, stepsPerGeneration, microBatchSize } = options;
  const period = generationPeriod(options);
  let rollouts: Rollout[] = [];
  let generation: Generation | null = null;
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const phase = step % period;
    if (phase === 0 || generation === null) {
      generation = await options.collect(step);
      rollouts = generation.completions.map(rolloutOf);
      if (period > 1) await fillOldLogps(rollouts, options);
    }
    const size = Math.ceil(rollouts.length / stepsPerGeneration);
    const start = (phase % stepsPerGeneration) * size;
    const part = rollouts.slice(start, start + size);
    const groups = microBatches(part, { size: microBatchSize, lengthOf });
    const tasks: MicroTask[] = [];
    for (const group of groups) {
      const totals = { part, microBatches: groups.length };
      tasks.push(await grpoTask(group, totals, options));
    }
    const result = await trainer.step(tasks, { step, learningRate });
    return {
      tokens: part.reduce((sum, { ids }) => sum + ids.length, 0),
      metrics: {
        loss: result.loss,
        grad_norm: result.gradNorm,
        ...result.metrics,
        ...samplingMetrics(groups, result),
        ...generation.metrics,
      },
    };
  };
}

async function fillOldLogps(rollouts: readonly Rollout[], options: GrpoStepOptions): Promise<void> {
  const { trainer, temperature, microBatchSize } = options;
  for (const group of microBatches(rollouts, { size: microBatchSize, lengthOf })) {
    const scores = await trainer.policy.score(collate(group), { temperature });
    let offset = 0;
    for (const rollout of group) {
      const count = rollout.completion.ids.length;
      rollout.old = Float32Array.from({ length: count }, (_, t) => scores[3 * (offset + t)]!);
      offset += count;
    }
  }
}

async function referenceLogps(
  batch: CollatedBatch,
  { trainer, beta, reference, temperature }: GrpoStepOptions,
): Promise<Float32Array | null> {
  if (beta === 0) return null;
  const scores = await trainer.policy.score(batch, { adapter: reference, temperature });
  return Float32Array.from(batch.targets, (_, i) => scores[3 * i]!);
}

async function grpoTask(
  group: readonly Rollout[],
  step: { readonly part: readonly Rollout[]; readonly microBatches: number },
  options: GrpoStepOptions,
): Promise<MicroTask> {
  const batch = collate(group);
  const totalTokens = completionTokens(step.part);
  const totals = {
    sequences: step.part.length,
    tokens: totalTokens,
    microTokens: completionTokens(group),
    microBatches: step.microBatches,
    maxCompletionLength: options.maxCompletionLength,
  };
  const perToken = (value: (rollout: Rollout) => number) =>
    joined(group, (rollout) => rollout.completion.ids.map(() => value(rollout)));
  const data = {
    advantages: perToken(({ completion }) => completion.advantage),
    coefficients: perToken(({ completion }) =>
      tokenCoefficient(options.lossType, completion.ids.length, totals),
    ),
    oldLogps: group.every(({ old }) => old !== null) ? joined(group, ({ old }) => old!) : null,
    referenceLogps: await referenceLogps(batch, options),
    sampledBy: options.correction && {
      ...options.correction,
      logps: joined(group, ({ completion }) => completion.logprobs),
      sequences: batch.sequences,
      count: group.length,
    },
  };
  const { temperature } = options;
  const lossOf = (scores: Tensor) => grpoLoss(scores, data, { ...options, totalTokens });
  return { batch, lossOf, temperature };
}

/** How far trainer and sampler are apart on the tokens of the step. */
function samplingMetrics(
  groups: readonly (readonly Rollout[])[],
  result: StepResult,
): Record<string, number> {
  let sum = 0;
  let largest = 0;
  let count = 0;
  for (const [i, group] of groups.entries()) {
    const sampled = joined(group, ({ completion }) => completion.logprobs);
    const trainer = group.every(({ old }) => old !== null)
      ? joined(group, ({ old }) => old!)
      : result.logps[i]!;
    for (let t = 0; t < sampled.length; t++) {
      const gap = Math.abs(trainer[t]! - sampled[t]!);
      sum += gap;
      largest = Math.max(largest, gap);
    }
    count += sampled.length;
  }
  return {
    'sampling/sampling_logp_difference/mean': count === 0 ? 0 : sum / count,
    'sampling/sampling_logp_difference/max': largest,
  };
}
