/** The mean of logits that the head adds as a column against the logits themselves, and the gradient beside it. */
import { expect, test } from 'vitest';
import { collate, NO_LORA, Policy } from '../../src/model/index.js';
import { dpoStep } from '../../src/train/index.js';
import { Rng } from '../../src/util/rng.js';
import { relativeGap } from '../support/gaps.js';
import { randomIds, stepGradient, TINY_VOCABULARY, tinyModel, tinyPolicy } from './tiny-policy.js';

const rng = Rng.of('mean logits');
const SEQUENCES = [7, 4].map((length) => {
  const ids = randomIds(rng, length);
  return { ids, trained: ids.map((_, t) => t > 1) };
});
const BATCH = collate(SEQUENCES);

/** A frozen policy of llama's weights whose logits are changed. */
function frozen(change: { readonly logitScale?: number; readonly logitSoftcap?: number }): Policy {
  const { spec, weights } = tinyModel('llama');
  const changed = { ...spec, ...change };
  return new Policy({
    spec: changed,
    weights,
    lora: NO_LORA,
    initialLora: [],
    checkpointedLayers: 0,
  });
}

async function check(policy: Policy): Promise<void> {
  const [scores, logits] = [
    await policy.score(BATCH, { meanLogits: true }),
    await policy.logits(BATCH),
  ];
  const plain = await policy.score(BATCH);
  for (const i of BATCH.targets.keys()) {
    const row = logits.subarray(i * TINY_VOCABULARY, (i + 1) * TINY_VOCABULARY);
    const mean = row.reduce((sum, x) => sum + x, 0) / TINY_VOCABULARY;
    expect([scores[4 * i + 3]!]).toBeAllclose([mean], { atol: 1e-5 });
    expect(scores.subarray(4 * i, 4 * i + 3)).toEqual(plain.subarray(3 * i, 3 * i + 3));
  }
}

test.each([{}, { logitScale: 0.25 }])('is that of the logits: %o', async (change) => {
  const policy = frozen(change);
  await check(policy);
  policy.dispose();
});

test('is not known with a cap, and then not there', async () => {
  const policy = frozen({ logitSoftcap: 5 });
  const scores = await policy.score(BATCH, { meanLogits: true });
  expect(scores).toEqual(await policy.score(BATCH));
  policy.dispose();
});

test('follows a head that is trained', async () => {
  const policy = tinyPolicy({ family: 'qwen2', lora: null });
  await check(policy);
  const values = await policy.parameters.values.data();
  policy.parameters.assign(Float32Array.from(values, (x) => 1.5 * x));
  await check(policy);
  policy.dispose();
});

test('leaves the gradient of dpo as it is, and is logged', async () => {
  const [chosen, rejected] = SEQUENCES;
  const step = (policy: Policy) =>
    stepGradient(policy, (trainer) =>
      dpoStep({
        trainer,
        pairs: () => [{ chosen: chosen!, rejected: rejected! }],
        microBatchSize: 1,
        reference: 'off',
        losses: [{ type: 'sigmoid', weight: 1 }],
        settings: { beta: 0.5, labelSmoothing: 0, simpoGamma: 0, cpoAlpha: 0, discopopTau: 0.05 },
      }),
    );
  const [with4, with3] = [tinyPolicy(), tinyPolicy()];
  const gradients = with3.gradients.bind(with3);
  with3.gradients = (batch, lossOf, options) =>
    gradients(batch, lossOf, { ...options, meanLogits: false });
  const [found, plain] = [await step(with4), await step(with3)];
  expect(relativeGap(found.gradient, plain.gradient)).toBeLessThan(1e-6);
  expect(found.metrics['logits/chosen']).not.toBeCloseTo(found.metrics['logits/rejected']!, 3);
  expect(plain.metrics).not.toHaveProperty('logits/chosen');
  for (const policy of [with4, with3]) policy.dispose();
});
