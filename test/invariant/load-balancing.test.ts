/** The loss that keeps experts evenly used: transformers' numbers, and one loss however a step is computed. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { balanceLoss } from '../../src/losses/index.js';
import { collate, type Policy, type RouterUse, type TokenBatch } from '../../src/model/index.js';
import { tf } from '../../src/tensor/index.js';
import { heldOutMetrics, sftStep, sftTasks } from '../../src/train/index.js';
import { summed } from '../../src/train/router-spread.js';
import { dropoutSeedOf } from '../../src/train/trainer.js';
import { elementCount } from '../../src/util/shape.js';
import { readSafetensors, toFloat32 } from '../../src/weights/index.js';
import { relativeGap } from '../support/gaps.js';
import { EXPERT_CASES, goldenCase } from '../support/golden-models.js';
import { goldenPolicy } from '../support/golden-policy.js';
import { batchOf } from '../support/token-rows.js';
import { adamwTrainer } from './adamw-trainer.js';

const FOLDER = new URL('../fixtures/model/', import.meta.url).pathname;
const LOSSES = JSON.parse(readFileSync(`${FOLDER}routers.json`, 'utf8'));
const GRADIENTS = readSafetensors(`${FOLDER}routers.safetensors`);

/** Loss and gradient of aux alone, whose micro-batch is the whole step. */
async function auxOf(policy: Policy, batch: TokenBatch) {
  const { gradient, loss, metrics } = await policy.gradients(
    batch,
    (scores) => ({ loss: scores.sum().mul(0), metrics: {} }),
    {
      routerLoss: (use) => balanceLoss(use.probabilities, { coefficient: 2, ...use }),
    },
  );
  const values = (await gradient.data()) as Float32Array;
  gradient.dispose();
  return { gradient: values.map((value) => value / 2), loss: loss / 2, metrics };
}

describe.each(EXPERT_CASES)('%s', (name) => {
  const { rows, spec } = goldenCase(name);

  test.each(
    (['full', 'lora'] as const).flatMap((kind) =>
      [0, spec.layers.length].map((checkpointedLayers) => ({ kind, checkpointedLayers })),
    ),
  )('loss and gradients equal transformers, %o', async ({ kind, checkpointedLayers }) => {
    const isLora = kind === 'lora';
    const policy = goldenPolicy(name, { lora: isLora ? {} : null, checkpointedLayers });
    await auxOf(policy, batchOf(rows));
    const before = tf.memory().numTensors;
    const { gradient, loss, metrics } = await auxOf(policy, batchOf(rows));
    expect(tf.memory().numTensors).toBe(before);
    expect(loss).toBeCloseTo(LOSSES[name][kind], 5);
    expect(metrics.aux_loss).toBeCloseTo(LOSSES[name][kind], 5);
    let offset = 0;
    let compared = 0;
    for (const { name: parameter, shape } of policy.parameters.shapes) {
      const part = gradient.subarray(offset, offset + elementCount(shape));
      offset += part.length;
      const expected = GRADIENTS.get(`${name}/${isLora ? 'lora' : 'grad'}.${parameter}`);
      const values = expected === undefined ? part.map(() => 0) : toFloat32(expected);
      const size = Math.hypot(...values);
      // What comes after the last router has no part in it.
      if (size === 0) expect(Math.hypot(...part), parameter).toBeLessThan(1e-7);
      else expect(relativeGap(part, values), parameter).toBeLessThan(1e-3);
      if (size > 0) compared++;
    }
    expect(compared).toBeGreaterThan(10);
    policy.dispose();
  });
});

const sequence = (prompt: number, own: number) => ({
  ids: Array.from({ length: 6 + own }, (_, t) => (((t < 6 ? prompt : own) + t * t) % 40) + 1),
  trained: Array.from({ length: 6 + own }, (_, t) => t >= 6),
});
const ROWS = [sequence(3, 9), sequence(3, 4), sequence(8, 5), sequence(8, 12)];

test.each([{ lora: {} }, { lora: null }])(
  'a prompt that sequences share counts once for each, %o',
  async ({ lora }) => {
    const policy = goldenPolicy('olmoe', { lora });
    const shared = await auxOf(policy, collate(ROWS));
    const apart = await auxOf(policy, collate(ROWS, { sharePrompts: false }));
    expect(shared.loss).toBeCloseTo(apart.loss, 5);
    expect(relativeGap(shared.gradient, apart.gradient)).toBeLessThan(1e-4);
    policy.dispose();
  },
);

const LOSS = { lossType: 'nll', labelSmoothing: 0 } as const;

/** Metrics of a step and its gradient, by micro-batches of so many sequences. */
async function stepOf(microBatchSize: number, routerAuxLossCoef: number) {
  const policy = goldenPolicy('qwen3_moe');
  const trainer = adamwTrainer(policy, {
    ...{ beta1: 0, beta2: 0.9, maxGradNorm: 0, seed: 3, routerAuxLossCoef },
  });
  const step = sftStep({ trainer, examples: () => ROWS, microBatchSize, loss: LOSS });
  const { metrics } = await step(0, 0);
  const { moments } = await trainer.optimizer.state();
  const tasks = sftTasks(ROWS, { microBatchSize, loss: LOSS });
  const heldOut = await heldOutMetrics(policy, { tasks }, trainer);
  trainer.optimizer.dispose();
  policy.dispose();
  return { metrics, heldOut, gradient: moments.m! };
}

test('micro-batches add up to one large batch, in training and held out', async () => {
  const one = await stepOf(4, 0.5);
  const three = await stepOf(1, 0.5);
  const without = await stepOf(4, 0);
  expect(relativeGap(three.gradient, one.gradient)).toBeLessThan(1e-4);
  expect(relativeGap(without.gradient, one.gradient)).toBeGreaterThan(0.01);
  const aux = one.metrics.aux_loss!;
  expect(aux).toBeGreaterThan(1.5);
  expect(one.metrics.loss).toBeCloseTo(without.metrics.loss! + 0.5 * aux, 5);
  expect(without.metrics).not.toHaveProperty('aux_loss');
  for (const other of [three.metrics, one.heldOut, three.heldOut]) {
    expect(other.aux_loss).toBeCloseTo(aux, 5);
    expect(other.loss).toBeCloseTo(one.metrics.loss!, 5);
  }
});

test('what is counted before a step with dropout is what its passes then see', async () => {
  const policy = goldenPolicy('qwen3_moe', { lora: { loraDropout: 0.2 } });
  const [seed, step] = [3, 2];
  const trainer = adamwTrainer(policy, { seed, routerAuxLossCoef: 0.5 });
  const tasks = sftTasks(ROWS, { microBatchSize: 1, loss: LOSS });
  const probabilities: number[][] = [];
  const seen: number[][] = [];
  const plain: number[][] = [];
  let rows = 0;
  for (const [index, { batch, lossOf }] of tasks.entries()) {
    const dropoutSeed = dropoutSeedOf({ seed, step, index });
    const routerLoss = (use: RouterUse) => {
      // Asked for twice: its gradient, and its value.
      probabilities[index] = [...use.probabilities.dataSync()];
      seen[index] = [...use.counts];
      return balanceLoss(use.probabilities, { coefficient: 0.5, ...use });
    };
    const { gradient } = await policy.gradients(batch, lossOf, { dropoutSeed, routerLoss });
    gradient.dispose();
    const counted = await policy.routerUse(batch, { dropoutSeed });
    expect(counted.counts).toEqual(seen[index]);
    plain.push([...(await policy.routerUse(batch)).counts]);
    rows += counted.rows;
  }
  expect(plain).not.toEqual(seen);
  const auxOf = (counts: number[][]) => {
    const [f, p] = [summed(counts), summed(probabilities)];
    return f.reduce((sum, count, e) => sum + (f.length * count * p[e]!) / rows ** 2, 0);
  };
  const { metrics } = await trainer.step(tasks, { step, learningRate: 0.1 });
  expect(Math.abs(auxOf(plain) - auxOf(seen))).toBeGreaterThan(1e-4);
  expect(metrics.aux_loss).toBeCloseTo(auxOf(seen), 5);
  trainer.optimizer.dispose();
  policy.dispose();
});

test('a step that nothing is learnt from has none', async () => {
  const policy = goldenPolicy('qwen3_moe');
  const trainer = adamwTrainer(policy, { routerAuxLossCoef: 0.5 });
  const { gradNorm, metrics } = await trainer.step([], { step: 0, learningRate: 0.1 });
  expect(gradNorm).toBe(0);
  expect(metrics).toEqual({});
  trainer.optimizer.dispose();
  policy.dispose();
});
