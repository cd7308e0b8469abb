/**
 * The KTO step: answers that are good or bad by themselves, each with its reference log-probability. The
 * KL baseline comes from prompts with the answer to another one, scored without a gradient: the answer before
 * it in the step, as in TRL, but past those to the same prompt, as a pair taken apart has two.
 */
import { setImmediate as signalsDelivered } from 'node:timers/promises';
import { type KtoOptions, klBaseline, ktoLoss } from '../losses/index.js';
import {
  type AdapterChoice,
  collate,
  type MaskedSequence,
  type Policy,
  promptKey,
  trainedTokens,
} from '../model/index.js';
import type { Tensor } from '../tensor/index.js';
import { sum } from '../util/numbers.js';
import { rowLogps } from './dpo-step.js';
import type { StepOutcome } from './loop.js';
import { microBatches } from './micro-batches.js';
import { type MicroTask, stepMetrics, type Trainer } from './trainer.js';

export interface LabelledAnswer extends MaskedSequence {
  readonly desirable: boolean;
}

export interface KtoStepOptions {
  readonly trainer: Trainer;
  readonly answers: (step: number) => readonly LabelledAnswer[];
  /** Answers per micro-batch. */
  readonly microBatchSize: number;
  readonly reference: Exclude<AdapterChoice, 'policy'>;
  readonly settings: Pick<KtoOptions, 'beta' | 'desirableWeight' | 'undesirableWeight'>;
  /** False: z = 0 (`apo_zero_unpaired`). */
  readonly usesKl: boolean;
  /** Tokens that a prompt with an answer to another is cut to; longer than any prompt of the answers. */
  readonly maxLength: number;
  /** Told of each step whose answers are all to one prompt, which have no KL baseline: z is 0. */
  readonly onNoBaseline?: (step: number) => void;
}

/** Each prompt with the answer before its own, in a circle, to another prompt; none where all have one prompt. */
function mismatches(answers: readonly MaskedSequence[], maxLength: number): MaskedSequence[] {
  const keyed = answers.map((answer) => ({ answer, key: promptKey(answer) }));
  if (new Set(keyed.map(({ key }) => key)).size < 2) return [];
  return keyed.map(({ answer: prompt, key }, i) => {
    let other = i;
    while (keyed[other]!.key === key) other = (other + keyed.length - 1) % keyed.length;
    return mismatched(prompt, keyed[other]!.answer, maxLength);
  });
}

/** The prompt of one sequence with the trained part of another. */
function mismatched(
  prompt: MaskedSequence,
  answer: MaskedSequence,
  maxLength: number,
): MaskedSequence {
  const before = prompt.ids.slice(0, prompt.trained.indexOf(true));
  const start = answer.trained.indexOf(true);
  return {
    ids: [...before, ...answer.ids.slice(start)].slice(0, maxLength),
    trained: [...before.map(() => false), ...answer.trained.slice(start)].slice(0, maxLength),
  };
}

const byLength = (size: number) => ({ size, lengthOf: ({ ids }: MaskedSequence) => ids.length });

/** Σ log p under the reference, by micro-batch: of the answers, and of prompts with an answer to another. */
interface KtoReference {
  readonly answers: readonly Float32Array[];
  readonly mismatches: readonly Float32Array[];
}

type TaskOptions = Omit<KtoStepOptions, 'answers' | 'trainer' | 'onNoBaseline'> & {
  readonly policy: Policy;
  /** Of the same answers; default: it is scored. */
  readonly known?: KtoReference;
};

const mismatchesOf = (
  answers: readonly LabelledAnswer[],
  { usesKl, maxLength }: Pick<TaskOptions, 'usesKl' | 'maxLength'>,
): MaskedSequence[] => (usesKl ? mismatches(answers, maxLength) : []);

/**
 * For answers that are asked for again and again.
 * @param onBatch After each micro-batch, and after signals are delivered; what it throws ends the scoring.
 */
export async function ktoReference(
  answers: readonly LabelledAnswer[],
  { onBatch, ...options }: TaskOptions & { readonly onBatch: () => void },
): Promise<KtoReference> {
  const { policy, reference, microBatchSize } = options;
  const score = async (sequences: readonly MaskedSequence[]) => {
    const out: Float32Array[] = [];
    for (const group of microBatches(sequences, byLength(microBatchSize))) {
      out.push(await rowLogps(policy, collate(group), { adapter: reference }));
      await signalsDelivered();
      onBatch();
    }
    return out;
  };
  return { answers: await score(answers), mismatches: await score(mismatchesOf(answers, options)) };
}

/** log π − log π_ref of each sequence. */
async function logRatios(
  sequences: readonly MaskedSequence[],
  { policy, reference, microBatchSize, known }: TaskOptions,
): Promise<number[]> {
  const out: number[] = [];
  for (const [at, group] of microBatches(sequences, byLength(microBatchSize)).entries()) {
    const batch = collate(group);
    const own = await rowLogps(policy, batch, { adapter: 'policy' });
    const base = known?.mismatches[at] ?? (await rowLogps(policy, batch, { adapter: reference }));
    out.push(...own.map((value, i) => value - base[i]!));
  }
  return out;
}

export interface KtoTasks {
  readonly tasks: readonly MicroTask[];
  /** z; null where it is to be estimated and there is no answer to another prompt: the loss then takes 0. */
  readonly kl: number | null;
}

/** Micro-batches of the answers, longest first, with their reference scored. */
export async function ktoTasks(
  answers: readonly LabelledAnswer[],
  options: TaskOptions,
): Promise<KtoTasks> {
  const { policy, microBatchSize, reference, known } = options;
  const ratios = await logRatios(mismatchesOf(answers, options), options);
  const kl = options.usesKl && ratios.length === 0 ? null : klBaseline(ratios);
  const good = answers.filter(({ desirable }) => desirable);
  const tokensOf = (some: readonly MaskedSequence[]) => sum(some.map(trainedTokens));
  const all = {
    ...options.settings,
    kl: kl ?? 0,
    totalDesirable: good.length,
    totalUndesirable: answers.length - good.length,
    totalTokens: tokensOf(answers),
    totalDesirableTokens: tokensOf(good),
  };
  const tasks: MicroTask[] = [];
  for (const [at, group] of microBatches(answers, byLength(microBatchSize)).entries()) {
    const batch = collate(group);
    const data = {
      sequences: batch.sequences,
      referenceLogps: known?.answers[at] ?? (await rowLogps(policy, batch, { adapter: reference })),
      desirable: group.map(({ desirable }) => desirable),
    };
    const lossOf = (scores: Tensor) => ktoLoss(scores, data, all);
    tasks.push({ batch, lossOf, meanLogits: true });
  }
  return { tasks, kl };
}

export function ktoStep({ trainer, answers, onNoBaseline, ...options }: KtoStepOptions) {
  return async (step: number, learningRate: number): Promise<StepOutcome> => {
    const batch = answers(step);
    const { tasks, kl } = await ktoTasks(batch, { ...options, policy: trainer.policy });
    if (kl === null) onNoBaseline?.(step);
    const result = await trainer.step(tasks, { step, learningRate });
    return {
      tokens: sum(batch.map(({ ids }) => ids.length)),
      metrics: { ...stepMetrics(result), ...(kl !== null && { kl }) },
      seconds: result.seconds,
    };
  };
}
