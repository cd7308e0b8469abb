import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ImportanceSamplingLevel } from '../../src/losses/grpo.js';
import { type GrpoLossType, groupAdvantages } from '../../src/losses/index.js';
import type { MaskedSequence } from '../../src/model/index.js';
import { dpoStep, grpoStep, ktoStep, sftStep } from '../../src/train/index.js';
import { goldenPolicy } from '../support/golden-policy.js';
import { adamwTrainer } from './adamw-trainer.js';

interface Trajectory {
  readonly losses: readonly number[];
  readonly gradNorms: readonly number[];
}

interface Row {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

interface Pair {
  readonly prompt: readonly number[];
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

interface DpoTrajectory extends Trajectory {
  readonly pairs: readonly Pair[];
  readonly margins: readonly number[];
}

interface KtoTrajectory extends Trajectory {
  readonly rows: readonly {
    readonly prompt: readonly number[];
    readonly completion: readonly number[];
    readonly label: boolean;
  }[];
  readonly desirableWeight: number;
  readonly kl: readonly number[];
}

interface GrpoTrajectory extends Trajectory {
  readonly lossType: GrpoLossType;
  readonly level: ImportanceSamplingLevel;
  readonly stepsPerGeneration: number;
  readonly numIterations: number;
  readonly beta: number;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** One for each prompt. */
  readonly groups: readonly {
    readonly prompt: readonly number[];
    readonly completions: readonly (readonly number[])[];
    readonly rewards: readonly number[];
  }[];
}

interface Trajectories {
  readonly model: string;
  readonly batch: number;
  readonly microBatch: number;
  readonly beta: number;
  readonly sft: Trajectory & { readonly rows: readonly Row[] };
  readonly dpo: DpoTrajectory;
  readonly dpoFromAdapter: DpoTrajectory;
  readonly kto: KtoTrajectory;
  readonly grpo: readonly GrpoTrajectory[];
}

const FILE = new URL('../fixtures/model/trajectories.json', import.meta.url);
const golden = JSON.parse(readFileSync(FILE, 'utf8')) as Trajectories;
const { batch, microBatch: microBatchSize } = golden;
const LEARNING_RATE = 1e-2;

const sequence = (prompt: readonly number[], answer: readonly number[]): MaskedSequence => ({
  ids: [...prompt, ...answer],
  trained: [...prompt.map(() => false), ...answer.map(() => true)],
});

/** The examples of a step, in order of the file, again and again. */
function batchAt<T>(items: readonly T[], step: number): readonly T[] {
  const start = (step * batch) % items.length;
  return items.slice(start, start + batch);
}

function trainerOf(options: { readonly zeroB: boolean; readonly checkpointedLayers: number }) {
  const policy = goldenPolicy(golden.model, { ...options, keepReference: true });
  return adamwTrainer(policy, { beta2: 0.999, seed: 0 });
}

type Step = ReturnType<typeof sftStep>;

async function expectTrajectory(
  step: Step,
  expected: Trajectory,
  more: Readonly<Record<string, readonly number[]>> = {},
): Promise<void> {
  expect(expected.losses).toHaveLength(10);
  for (const [index, loss] of expected.losses.entries()) {
    const { metrics } = await step(index, LEARNING_RATE);
    const named = { loss, grad_norm: expected.gradNorms[index]! };
    for (const [name, value] of Object.entries(named)) {
      expect(Math.abs(metrics[name]! - value), `${name} of step ${index}`).toBeLessThan(1e-3);
    }
    for (const [name, values] of Object.entries(more)) {
      expect(Math.abs(metrics[name]! - values[index]!), name).toBeLessThan(1e-3);
    }
  }
}

test.each([0, 2])('SFT as TRL for ten steps, %i layers recomputed', async (checkpointedLayers) => {
  const trainer = trainerOf({ zeroB: false, checkpointedLayers });
  const rows = golden.sft.rows.map(({ prompt, answer }) => sequence(prompt, answer));
  const examples = (step: number) => batchAt(rows, step);
  await expectTrajectory(
    sftStep({ trainer, examples, microBatchSize, loss: { lossType: 'nll', labelSmoothing: 0 } }),
    golden.sft,
  );
});

describe.each([
  { name: 'dpo', reference: 'off', zeroB: true },
  { name: 'dpoFromAdapter', reference: 'reference', zeroB: false },
] as const)('DPO as TRL for ten steps: $name', ({ name, reference, zeroB }) => {
  const expected = golden[name];
  const pairs = expected.pairs.map(({ prompt, chosen, rejected }) => ({
    chosen: sequence(prompt, chosen),
    rejected: sequence(prompt, rejected),
  }));

  test.each([0, 2])('%i layers recomputed', async (checkpointedLayers) => {
    const trainer = trainerOf({ zeroB, checkpointedLayers });
    const step = dpoStep({
      trainer,
      pairs: (index) => batchAt(pairs, index),
      microBatchSize,
      reference,
      losses: [{ type: 'sigmoid', weight: 1 }],
      settings: {
        beta: golden.beta,
        labelSmoothing: 0,
        simpoGamma: 0.5,
        cpoAlpha: 1,
        discopopTau: 0.05,
      },
    });
    await expectTrajectory(step, expected, { 'rewards/margins': expected.margins });
  });
});

test('KTO as TRL for ten steps', async () => {
  const { rows, desirableWeight, ...expected } = golden.kto;
  const answers = rows.map(({ prompt, completion, label }) => ({
    ...sequence(prompt, completion),
    desirable: label,
  }));
  const step = ktoStep({
    trainer: trainerOf({ zeroB: true, checkpointedLayers: 0 }),
    answers: (index) => batchAt(answers, index),
    microBatchSize,
    reference: 'off',
    settings: { beta: golden.beta, desirableWeight, undesirableWeight: 1 },
    usesKl: true,
    maxLength: 100,
  });
  await expectTrajectory(step, expected, { kl: expected.kl });
});

/** Graded completions of the prompts of one generation. */
function generationOf({ groups, stepsPerGeneration }: GrpoTrajectory, generation: number) {
  const chosen = Array.from(
    { length: stepsPerGeneration },
    (_, i) => groups[(generation * stepsPerGeneration + i) % groups.length]!,
  );
  const rewards = chosen.flatMap((group) => group.rewards);
  const advantages = groupAdvantages(rewards, { groupSize: batch, scale: 'group' });
  return chosen
    .flatMap(({ prompt, completions }) => completions.map((ids) => ({ promptIds: prompt, ids })))
    .map((one, i) => ({
      ...one,
      logprobs: new Float32Array(one.ids.length),
      advantage: advantages[i]!,
    }));
}

test.each(golden.grpo)(
  'GRPO as TRL for ten steps: $lossType $level, steps $stepsPerGeneration, iterations $numIterations',
  async (kind) => {
    const { stepsPerGeneration, numIterations } = kind;
    const period = stepsPerGeneration * numIterations;
    const step = grpoStep({
      trainer: trainerOf({ zeroB: true, checkpointedLayers: 0 }),
      collect: async (index) => ({ completions: generationOf(kind, index / period), metrics: {} }),
      microBatchSize,
      stepsPerGeneration,
      numIterations,
      temperature: 0.7,
      lossType: kind.lossType,
      loss: {
        importanceSamplingLevel: kind.level,
        epsilon: kind.epsilon,
        epsilonHigh: kind.epsilonHigh,
        delta: null,
        beta: kind.beta,
        klEstimator: 'k3',
        klWeighed: true,
        entropyCoef: 0,
        sapo: { positive: 1, negative: 1.05 },
      },
      reference: 'off',
      maxCompletionLength: 12,
      correction: null,
    });
    await expectTrajectory(step, kind);
  },
);
