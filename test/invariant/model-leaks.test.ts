import { describe, expect, test } from 'vitest';
import type { MaskedSequence } from '../../src/model/index.js';
import { tf } from '../../src/tensor/index.js';
import {
  dpoStep,
  grpoStep,
  ktoStep,
  type StepOutcome,
  sftStep,
  type Trainer,
} from '../../src/train/index.js';
import { goldenPolicy } from '../support/golden-policy.js';
import { adamwTrainer } from './adamw-trainer.js';

const STEPS = 50;
/** Rows of a few lengths: the tables of a length are made once and kept. */
const LENGTHS = [5, 9, 14];

const rowOf = (index: number): MaskedSequence => {
  const length = LENGTHS[index % LENGTHS.length]!;
  const ids = Array.from({ length }, (_, t) => 1 + ((7 * index + 3 * t) % 95));
  return { ids, trained: ids.map((_, t) => t > 1) };
};

const rowsOf = (step: number) => [0, 1, 2].map((i) => rowOf(3 * step + i));

interface TrainerOptions {
  readonly family: string;
  readonly withLora: boolean;
  readonly checkpointedLayers: number;
}

function trainerOf({ family, withLora, checkpointedLayers }: TrainerOptions): Trainer {
  const lora = withLora ? { loraDropout: 0.1 } : null;
  const policy = goldenPolicy(family, { lora, keepReference: true, checkpointedLayers });
  const decayMask = new Float32Array(policy.parameters.size).fill(1);
  return adamwTrainer(policy, { weightDecay: 0.01, decayMask });
}

type Step = (step: number, learningRate: number) => Promise<StepOutcome>;

const STEP_KINDS: Readonly<Record<string, (trainer: Trainer) => Step>> = {
  sft: (trainer) =>
    sftStep({
      trainer,
      examples: rowsOf,
      microBatchSize: 2,
      loss: { lossType: 'nll', labelSmoothing: 0.1 },
    }),
  dpo: (trainer) =>
    dpoStep({
      trainer,
      pairs: (step) => rowsOf(step).map((chosen, i) => ({ chosen, rejected: rowOf(step + i + 1) })),
      microBatchSize: 2,
      reference: 'reference',
      losses: [{ type: 'sigmoid', weight: 1 }],
      settings: { beta: 0.1, labelSmoothing: 0.1, simpoGamma: 0.5, cpoAlpha: 1, discopopTau: 0.05 },
    }),
  kto: (trainer) =>
    ktoStep({
      trainer,
      answers: (step) => rowsOf(step).map((row, i) => ({ ...row, desirable: i % 2 === 0 })),
      microBatchSize: 2,
      reference: 'reference',
      settings: { beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
      usesKl: true,
      maxLength: 64,
    }),
  grpo: (trainer) =>
    grpoStep({
      trainer,
      collect: async (step) => ({
        completions: rowsOf(step).map(({ ids }, i) => ({
          promptIds: ids.slice(0, 2),
          ids: ids.slice(2),
          logprobs: new Float32Array(ids.length - 2).fill(-4),
          advantage: i - 1,
        })),
        metrics: {},
      }),
      microBatchSize: 2,
      stepsPerGeneration: 1,
      numIterations: 2,
      temperature: 0.9,
      lossType: 'dapo',
      loss: {
        importanceSamplingLevel: 'sequence',
        epsilon: 0.2,
        epsilonHigh: 0.2,
        delta: null,
        beta: 0.04,
        klEstimator: 'k3',
        klWeighed: true,
        entropyCoef: 0.01,
        sapo: { positive: 1, negative: 1.05 },
      },
      reference: 'reference',
      maxCompletionLength: 16,
      correction: { mode: 'sequence_truncate', cap: 3, floor: null },
    }),
};

/** Tensors after each step, once every length has been seen. */
async function countTensors(step: Step): Promise<{ tensors: number[]; bytes: number[] }> {
  for (let i = 0; i < LENGTHS.length; i++) await step(i, 1e-3);
  const [tensors, bytes]: [number[], number[]] = [[], []];
  for (let i = 0; i < STEPS; i++) {
    await step(LENGTHS.length + i, 1e-3);
    tensors.push(tf.memory().numTensors);
    bytes.push(tf.memory().numBytes);
  }
  return { tensors, bytes };
}

describe.each([
  { kind: 'sft', family: 'llama', withLora: true, checkpointedLayers: 0 },
  { kind: 'sft', family: 'gemma3', withLora: true, checkpointedLayers: 3 },
  { kind: 'sft', family: 'qwen2', withLora: false, checkpointedLayers: 2 },
  { kind: 'dpo', family: 'olmo2', withLora: true, checkpointedLayers: 1 },
  { kind: 'grpo', family: 'phi3', withLora: true, checkpointedLayers: 1 },
])('$kind on $family, LoRA $withLora, $checkpointedLayers layers recomputed', (options) => {
  test('fifty steps keep the number of tensors, and the end frees all', async () => {
    const before = tf.memory().numTensors;
    const trainer = trainerOf(options);
    const { tensors, bytes } = await countTensors(STEP_KINDS[options.kind]!(trainer));
    expect(new Set(tensors).size, `${tensors}`).toBe(1);
    expect(new Set(bytes).size, `${bytes}`).toBe(1);
    trainer.optimizer.dispose();
    trainer.policy.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('tables and masks of batches that are done are freed', async () => {
  const policy = goldenPolicy('gemma3', { lora: null });
  const counts: number[] = [];
  for (let length = 6; length < 60; length++) {
    const ids = new Int32Array(length).fill(1);
    await policy.score({
      ids,
      runs: [{ start: 0, length, prefix: -1 }],
      predictors: Int32Array.of(0),
      targets: Int32Array.of(1),
    });
    counts.push(tf.memory().numTensors);
  }
  policy.dispose();
  expect(new Set(counts).size).toBe(1);
});
