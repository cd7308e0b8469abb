/** What layers beside attention and MLP must keep: sequences apart from one another, one gradient by every way to it. */
import { expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import { collate, type Policy, type TokenBatch } from '../../src/model/index.js';
import { relativeGap } from '../support/gaps.js';

import { goldenPolicy } from '../support/golden-policy.js';

/** With a module that plain LoRA leaves alone, and in how many layers it is. */
const CASES = [
  { name: 'lfm2', module: 'conv.conv', layers: 2 },
  { name: 'lfm2-bias', module: 'conv.conv', layers: 3 },
  { name: 'qwen3_5', module: 'conv1d', layers: 3 },
  { name: 'qwen3_5-layers', module: 'conv1d', layers: 2 },
  { name: 'qwen3_moe', module: 'mlp.gate', layers: 2 },
  { name: 'qwen3_moe-whole', module: 'mlp.gate', layers: 2 },
  { name: 'olmoe', module: 'mlp.gate', layers: 2 },
];
const NAMES = CASES.map(({ name }) => name);

const ids = (length: number, first = 1) =>
  Array.from({ length }, (_, t) => ((first + t * t) % 47) + 1);

/** A prompt that only counts as such, and an answer. */
const answer = (prompt: readonly number[], completion: readonly number[]) => ({
  ids: [...prompt, ...completion],
  trained: [...prompt.map(() => false), ...completion.map(() => true)],
});

async function answersOf(policy: Policy, batch: TokenBatch, dropoutSeed: number | null = null) {
  const scores = await policy.score(batch);
  const { gradient } = await policy.gradients(
    batch,
    (each) => sftLoss(each, { lossType: 'nll', labelSmoothing: 0, totalTokens: 10 }),
    dropoutSeed === null ? {} : { dropoutSeed },
  );
  const values = (await gradient.data()) as Float32Array;
  gradient.dispose();
  return { logps: Array.from(batch.targets, (_, i) => scores[3 * i]!), gradient: values };
}

const CLOSE = { rtol: 1e-4, atol: 2e-5 };

const expectSame = (gradient: Float32Array, other: Float32Array): void =>
  expect(relativeGap(gradient, other)).toBeLessThan(1e-4);

/** A prompt shorter than the kernel, one longer than a chunk, and answers of one token and more. */
const ROWS = [
  answer(ids(2), ids(1, 5)),
  answer(ids(2), ids(9, 3)),
  answer(ids(7, 2), ids(4, 8)),
  answer(ids(2), ids(6, 11)),
  answer(ids(70, 3), ids(80, 2)),
  answer(ids(70, 3), ids(2, 9)),
];

test.each(NAMES)(
  '%s: packed is one by one, and a shared prompt is computed for all',
  async (name) => {
    const policy = goldenPolicy(name);
    const packed = await answersOf(policy, collate(ROWS, { sharePrompts: false }));
    const shared = await answersOf(policy, collate(ROWS));
    const alone = await Promise.all(ROWS.map((row) => answersOf(policy, collate([row]))));
    expect(packed.logps).toBeAllclose(
      alone.flatMap(({ logps }) => logps),
      CLOSE,
    );
    expect(shared.logps).toBeAllclose(packed.logps, CLOSE);
    const sum = packed.gradient.map((_, i) =>
      alone.reduce((total, { gradient }) => total + gradient[i]!, 0),
    );
    expectSame(packed.gradient, sum);
    expectSame(shared.gradient, packed.gradient);
    policy.dispose();
  },
);

test.each(NAMES)('%s: recomputed layers, with dropout too', async (name) => {
  const lora = { loraDropout: 0.3 };
  const kept = goldenPolicy(name, { lora });
  const recomputed = goldenPolicy(name, { lora, checkpointedLayers: 9 });
  expect(kept.fused).not.toBeNull();
  const batch = collate(ROWS);
  const first = await answersOf(kept, batch, 1);
  expectSame((await answersOf(recomputed, batch, 1)).gradient, first.gradient);
  expect((await answersOf(kept, batch, 2)).gradient).not.toBeAllclose(first.gradient, {
    atol: 1e-3,
  });
  for (const policy of [kept, recomputed]) policy.dispose();
});

/** Where more than LoRA is trained, the tape takes each operation; that begins with the base's values here. */
test.each(CASES)('$name: layers by hand-written gradients are those on the tape', async (each) => {
  const { name, module, layers } = each;
  const plain = goldenPolicy(name);
  const saving = goldenPolicy(name, { lora: { modulesToSave: [module] } });
  expect([plain.fused === null, saving.fused === null]).toEqual([false, true]);
  const batch = collate(ROWS);
  const [own, taped] = [await answersOf(plain, batch), await answersOf(saving, batch)];
  const saved = saving.parameters.shapes.filter((shape) => shape.name.endsWith(`${module}.weight`));
  expect(saved).toHaveLength(layers);
  expectSame(taped.gradient.slice(0, own.gradient.length), own.gradient);
  expect(taped.logps).toBeAllclose(own.logps, CLOSE);
  for (const policy of [plain, saving]) policy.dispose();
});
