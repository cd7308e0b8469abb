/**
 * The GRPO step: every `period` steps the recipe's `collect` brings a generation of graded completions,
 * which is cut into optimizer steps and passed over `num_iterations` times.
 *
 * With one step per generation the policy that sampled is the policy that learns, and the ratio is taken
 * to the current log-probabilities; with more, they are computed once by the trainer before the first.
 */
import {
  type Correction,
  type GrpoLossType,
  type GrpoOptions,
  grpoColumns,
  grpoLoss,
  tokenCoefficient,
} from '../losses/index.js';
import { type AdapterChoice, type CollatedBatch, collate, promptKey } from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import { clipExtremes } from './clip-extremes.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import {
  allTokens,
  completionTokens,
  type GradedCompletion,
  joined,
  type Rollout,
  rolloutOf,
  type Scored,
  samplingMetrics,
} from './rollouts.js';
import { type MicroTask, type StepResult, stepMetrics, type Trainer } from './trainer.js';

export interface Generation {
  readonly completions: readonly GradedCompletion[];
  /** Reward and length metrics of the generation. */
  readonly metrics: Readonly<Record<string, number>>;
}

type LossSettings = Omit<GrpoOptions, 'objective' | 'totalTokens' | 'totalSequences'>;

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
  readonly loss: LossSettings;
  /** Reference of the KL term; used when beta > 0. */
  readonly reference: Exclude<AdapterChoice, 'policy'>;
  readonly maxCompletionLength: number;
  readonly correction: Correction | null;
  /** Compute a prompt once for all of its completions in a micro-batch; default true. */
  readonly sharePrompts?: boolean;
}

/** Optimizer steps that one generation feeds. */
export const generationPeriod = (options: {
  readonly stepsPerGeneration: number;
  readonly numIterations: number;
}): number => options.stepsPerGeneration * options.numIterations;

/** Completions of one prompt stay together, so that they can share it. */
const inMicroBatches = (rollouts: readonly Rollout[], { microBatchSize: size }: GrpoStepOptions) =>
  microBatches(rollouts, { size, lengthOf: ({ ids }) => ids.length, keyOf: promptKey });

const isLearnt = ({ completion }: Rollout) => completion.isMasked !== true;

interface LearntBatches {
  readonly groups: readonly (readonly Rollout[])[];
  /** Micro-batches of the step, also those of which nothing is learnt. */
  readonly count: number;
}

/** With `bnpo`, which weighs micro-batches alike, masked completions keep their places, as in TRL. */
function learntBatches(part: readonly Rollout[], options: GrpoStepOptions): LearntBatches {
  const places = options.lossType === 'bnpo' ? part : part.filter(isLearnt);
  const all = inMicroBatches(places, options).map((group) => group.filter(isLearnt));
  return { groups: all.filter((group) => group.length > 0), count: all.length };
}

export function grpoStep(options: GrpoStepOptions) {
  const { trainer, stepsPerGeneration } = options;
  const period = generationPeriod(options);
  let rollouts: Rollout[] = [];
  let generation: Generation | null = null;
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const phase = step % period;
    if (phase === 0 || generation === null) {
      generation = await options.collect(step);
      rollouts = generation.completions.map(rolloutOf);
      if (period > 1) await fillOldLogps(rollouts.filter(isLearnt), options);
    }
    const size = Math.ceil(rollouts.length / stepsPerGeneration);
    const start = (phase % stepsPerGeneration) * size;
    const part = rollouts.slice(start, start + size);
    const { groups, count } = learntBatches(part, options);
    const tasks: MicroTask[] = [];
    for (const group of groups) {
      const totals = { part, microBatches: count };
      tasks.push(await grpoTask(group, totals, options));
    }
    const result = await trainer.step(tasks, { step, learningRate });
    const scored = scoredBy(groups, result);
    return {
      tokens: allTokens(part),
      metrics: {
        ...stepMetrics(result),
        ...(objectiveOf(options.lossType) === 'clip' && clipExtremes(scored, options.loss)),
        ...samplingMetrics(scored, options.correction),
        ...generation.metrics,
      },
      seconds: result.seconds,
    };
  };
}

async function fillOldLogps(rollouts: readonly Rollout[], options: GrpoStepOptions): Promise<void> {
  const { trainer, temperature, sharePrompts = true } = options;
  for (const group of inMicroBatches(rollouts, options)) {
    const logps = await trainer.policy.logps(collate(group, { sharePrompts }), { temperature });
    let offset = 0;
    for (const rollout of group) {
      rollout.old = logps.slice(offset, offset + rollout.count);
      offset += rollout.count;
    }
  }
}

async function referenceLogps(
  batch: CollatedBatch,
  { trainer, loss, reference, temperature }: GrpoStepOptions,
): Promise<Float32Array | null> {
  if (loss.beta === 0) return null;
  return await trainer.policy.logps(batch, { adapter: reference, temperature });
}

const objectiveOf = (type: GrpoLossType): GrpoOptions['objective'] =>
  type === 'cispo' || type === 'sapo' ? type : 'clip';

interface StepPart {
  /** All completions of the step, also the masked ones. */
  readonly part: readonly Rollout[];
  readonly microBatches: number;
}

async function grpoTask(
  group: readonly Rollout[],
  step: StepPart,
  options: GrpoStepOptions,
): Promise<MicroTask> {
  const { sharePrompts = true } = options;
  const batch = collate(group, { sharePrompts });
  const totalTokens = completionTokens(step.part.filter(isLearnt));
  const totals = {
    sequences: step.part.length,
    tokens: totalTokens,
    microTokens: completionTokens(group),
    microBatches: step.microBatches,
    maxCompletionLength: options.maxCompletionLength,
  };
  const perToken = (value: (rollout: Rollout) => number) =>
    joined(group, (rollout) => Array.from({ length: rollout.count }, () => value(rollout)));
  const sampledLogps = joined(group, ({ completion }) => completion.logprobs);
  const data = {
    sequences: batch.sequences,
    count: group.length,
    advantages: perToken(({ completion }) => completion.advantage),
    coefficients: perToken(({ count }) => tokenCoefficient(options.lossType, count, totals)),
    oldLogps: group.every(({ old }) => old !== null) ? joined(group, ({ old }) => old!) : null,
    referenceLogps: await referenceLogps(batch, options),
    sampledBy: options.correction && { ...options.correction, logps: sampledLogps },
    sampledLogps,
  };
  const loss: GrpoOptions = {
    ...options.loss,
    objective: objectiveOf(options.lossType),
    totalTokens,
    totalSequences: step.part.length,
  };
  return {
    batch,
    lossOf: (scores: Tensor) => grpoLoss(scores, data, loss),
    temperature: options.temperature,
    columns: grpoColumns(loss),
  };
}

/** What the trainer has computed in the step, by completion. */
function scoredBy(groups: readonly (readonly Rollout[])[], { logps }: StepResult): Scored[] {
  return groups.flatMap((group, i) => {
    let offset = 0;
    return group.map((rollout) => {
      const start = offset;
      offset += rollout.count;
      return { rollout, live: logps[i]!.subarray(start, offset) };
    });
  });
}
