import { describe, expect, test } from 'vitest';
import { sftLoss } from '../../../src/losses/index.js';
import { collate, type Policy, type TokenBatch } from '../../../src/model/index.js';
import { type Tensor, tf } from '../../../src/tensor/index.js';
import { InputError } from '../../../src/util/errors.js';
import { goldenPolicy } from '../../support/golden-policy.js';
import { kept } from '../../support/kept.js';

/** The Gemma 3 case: windows, two ropes, caps and norms of every kind; with LoRA. */
const policyOf = (options: Parameters<typeof goldenPolicy>[1] = {}, name = 'gemma3'): Policy =>
  kept(goldenPolicy(name, options));

const row = (length: number, first = 1) => {
  const ids = Array.from({ length }, (_, t) => ((first + t * t) % 95) + 1);
  return { ids, trained: ids.map(() => true) };
};

/** Log-probabilities only. */
async function logps(policy: Policy, batch: TokenBatch, options = {}): Promise<number[]> {
  const scores = await policy.score(batch, options);
  return Array.from(batch.targets, (_, i) => scores[3 * i]!);
}

const gradientOf = async (policy: Policy, batch: TokenBatch, dropoutSeed?: number) => {
  const lossOf = (scores: Parameters<typeof sftLoss>[0]) =>
    sftLoss(scores, { lossType: 'nll', labelSmoothing: 0, totalTokens: 10 });
  const options = dropoutSeed === undefined ? {} : { dropoutSeed };
  const { gradient, ...rest } = await policy.gradients(batch, lossOf, options);
  const values = (await gradient.data()) as Float32Array;
  gradient.dispose();
  return { ...rest, values };
};

test('a row’s numbers do not depend on the rows beside it', async () => {
  const policy = policyOf();
  const rows = [row(5), row(17, 3), row(9, 7)];
  const together = await logps(policy, collate(rows));
  const alone = await Promise.all(rows.map((one) => logps(policy, collate([one]))));
  expect(together).toBeAllclose(alone.flat(), { rtol: 0, atol: 1e-5 });
});

test('the event loop turns before each batch', async () => {
  const policy = policyOf();
  const batch = collate([row(5)]);
  const turns: string[] = [];
  const turned = (name: string) => setImmediate(() => turns.push(name));
  turned('score');
  await policy.score(batch);
  turned('gradients');
  await gradientOf(policy, batch);
  turned('logits');
  await policy.logits(batch);
  expect(turns).toEqual(['score', 'gradients', 'logits']);
});

test('a later token changes nothing before it', async () => {
  const policy = policyOf();
  const { ids, trained } = row(12);
  const changed = [...ids.slice(0, 8), 90, ...ids.slice(9)];
  const [before, after] = [
    await logps(policy, collate([{ ids, trained }])),
    await logps(policy, collate([{ ids: changed, trained }])),
  ];
  expect(after.slice(0, 7)).toBeAllclose(before.slice(0, 7));
  expect(Math.abs(after[7]! - before[7]!)).toBeGreaterThan(1e-3);
});

test('the temperature divides the logits', async () => {
  const policy = policyOf();
  const { vocabSize } = policy.spec;
  const batch = collate([row(4)]);
  const everyToken = {
    ...batch,
    predictors: new Int32Array(vocabSize).fill(2),
    targets: Int32Array.from({ length: vocabSize }, (_, i) => i),
  };
  const [plain, warm] = [
    await logps(policy, everyToken),
    await logps(policy, everyToken, { temperature: 2 }),
  ];
  const total = Math.log(plain.reduce((sum, logp) => sum + Math.exp(logp / 2), 0));
  expect(warm).toBeAllclose(plain.map((logp) => logp / 2 - total));
});

describe('adapters', () => {
  test('off is the base model; the reference stays where training began', async () => {
    const policy = policyOf({ keepReference: true });
    const base = policyOf({ lora: null });
    const batch = collate([row(10)]);
    const start = await logps(policy, batch);
    expect(await logps(policy, batch, { adapter: 'off' })).toBeAllclose(await logps(base, batch));
    policy.parameters.assign(new Float32Array(policy.parameters.size).fill(0.01));
    expect(await logps(policy, batch)).not.toBeAllclose(start, { atol: 1e-3 });
    expect(await logps(policy, batch, { adapter: 'reference' })).toBeAllclose(start);
  });

  test('a reference that was not kept cannot be scored', async () => {
    const policy = policyOf();
    await expect(policy.score(collate([row(4)]), { adapter: 'reference' })).rejects.toThrow(
      'keepReference',
    );
  });
});

describe('gradients', () => {
  test('the loss sees the numbers that score gives', async () => {
    const policy = policyOf();
    const batch = collate([row(6), row(11, 4)]);
    const expected = await logps(policy, batch);
    const found = await gradientOf(policy, batch);
    expect(found.logps).toBeAllclose(expected);
    expect([found.loss]).toBeAllclose([-expected.reduce((sum, logp) => sum + logp, 0) / 10]);
  });

  test('micro-batches add up to the whole batch', async () => {
    const policy = policyOf();
    const rows = [row(6), row(11, 4), row(8, 2)];
    const whole = await gradientOf(policy, collate(rows));
    const parts = [
      await gradientOf(policy, collate(rows.slice(0, 1))),
      await gradientOf(policy, collate(rows.slice(1))),
    ];
    const sum = whole.values.map((_, i) => parts[0]!.values[i]! + parts[1]!.values[i]!);
    expect(sum).toBeAllclose(whole.values, { rtol: 1e-4, atol: 1e-6 });
  });

  test('dropout follows its seed, also where layers are recomputed', async () => {
    const [kept, recomputed] = [
      policyOf({ lora: { loraDropout: 0.3 } }),
      policyOf({ lora: { loraDropout: 0.3 }, checkpointedLayers: 3 }),
    ];
    const batch = collate([row(12)]);
    const first = await gradientOf(kept, batch, 1);
    expect((await gradientOf(kept, batch, 1)).values).toEqual(first.values);
    expect((await gradientOf(kept, batch, 2)).values).not.toBeAllclose(first.values, {
      atol: 1e-3,
    });
    const again = await gradientOf(recomputed, batch, 1);
    expect(again.values).toBeAllclose(first.values, { rtol: 1e-4, atol: 1e-6 });
    expect(await logps(kept, batch)).toBeAllclose(await logps(policyOf(), batch));
  });

  test('embedding noise in training only, the same where layers are recomputed', async () => {
    const batch = collate([row(12)]);
    const plain = await gradientOf(policyOf(), batch);
    const noisy = policyOf({ neftuneNoiseAlpha: 5 });
    expect((await gradientOf(noisy, batch)).values).toEqual(plain.values);
    expect(await logps(noisy, batch)).toBeAllclose(await logps(policyOf(), batch));
    const first = await gradientOf(noisy, batch, 1);
    expect(first.values).not.toBeAllclose(plain.values, { atol: 1e-3 });
    const recomputed = policyOf({ neftuneNoiseAlpha: 5, checkpointedLayers: 3 });
    const again = await gradientOf(recomputed, batch, 1);
    expect(again.values).toBeAllclose(first.values, { rtol: 1e-4, atol: 1e-6 });
  });

  test('the loss may depend on further columns', async () => {
    const policy = policyOf();
    const batch = collate([row(8)]);
    const lossOf = (scores: Tensor) => ({
      loss: tf.sum(scores.slice([0, 1], [-1, 1])),
      metrics: {},
    });
    const found = await policy.gradients(batch, lossOf, { columns: ['entropy'] });
    const slope = (await found.gradient.data()) as Float32Array;
    const length = Math.hypot(...slope);
    const direction = slope.map((value) => value / length);
    const [step, start] = [1e-2, Float32Array.from(policy.parameters.values.dataSync())];
    const at = async (distance: number) => {
      policy.parameters.assign(start.map((value, i) => value + distance * direction[i]!));
      const scores = await policy.score(batch);
      return batch.targets.reduce((sum, _, i) => sum + scores[3 * i + 1]!, 0);
    };
    const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
    expect([numeric]).toBeAllclose([length], { rtol: 1e-2, atol: 0 });
    found.gradient.dispose();
  });
});

test('a sequence beyond the length that its rope holds for is refused', async () => {
  // 32 is the checkpoint's original_max_position_embeddings.
  const policy = policyOf({}, 'phi3-longrope');
  await expect(policy.score(collate([row(33)]))).rejects.toThrow(InputError);
  await expect(policy.score(collate([row(33)]))).rejects.toThrow('33 tokens');
  expect(await logps(policy, collate([row(32)]))).toHaveLength(31);
});
