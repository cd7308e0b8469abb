/** Trainer (TensorFlow) and sampler (ONNX Runtime) are the same policy, and the probe notices when not. */
import { describe, expect, test } from 'vitest';
import {
  type AdapterChoice,
  adapterFromLora,
  collate,
  type Policy,
} from '../../src/model/index.js';
import { probePolicy, probeSequences } from '../../src/recipes/grpo/policy-probe.js';
import type { OnnxSampler } from '../../src/rollout/engine/onnx-sampler.js';
import {
  type Completion,
  createOnnxSampler,
  PLAIN_SAMPLING,
  type Sampler,
  type SamplingParams,
} from '../../src/rollout/index.js';
import { sftStep } from '../../src/train/index.js';
import { GuardError } from '../../src/util/errors.js';
import { Rng } from '../../src/util/rng.js';
import {
  type Adapter,
  adapterHash,
  fromFloat32,
  type LoraConfig,
} from '../../src/weights/index.js';
import { largestGap } from '../support/gaps.js';
import { kept } from '../support/kept.js';
import { batchOf, logpsOf } from '../support/token-rows.js';
import { adamwTrainer } from './adamw-trainer.js';
import { randomIds, type TinyFamily, tinyModel, tinyPolicy } from './tiny-policy.js';

const TOLERANCE = 1e-4;
const MAX_NEW_TOKENS = 40;
const EOS = 7;

const rng = Rng.of('probe');
const SEQUENCES = [1, 2, 5, 17, 33, 64, 100].map((length) => randomIds(rng, length + 1));
const PROMPTS = [1, 4, 9, 30, 31].map((length) => randomIds(rng, length));

async function samplerFor(policy: Policy, family: TinyFamily): Promise<OnnxSampler> {
  const { spec, weights } = tinyModel(family);
  const sampler = await createOnnxSampler({
    spec,
    weights,
    tokenizer: { eosIds: [EOS], decode: (ids) => ids.join(' ') },
    loraModules: [...(policy.lora?.targets.keys() ?? [])],
    maxContext: 128,
    maxBatch: 8,
    threads: 2,
  });
  return kept(sampler);
}

/** Some optimizer steps on random sequences, enough to move every log-probability. */
async function train(policy: Policy, { steps = 5, learningRate = 1e-2 } = {}): Promise<void> {
  const trainer = adamwTrainer(policy);
  kept(trainer.optimizer);
  const examples = SEQUENCES.map((ids) => ({ ids, trained: ids.map(() => true) }));
  const step = sftStep({
    trainer,
    examples: () => examples,
    microBatchSize: 4,
    loss: { lossType: 'nll', labelSmoothing: 0 },
  });
  for (let i = 0; i < steps; i++) await step(i, learningRate);
}

async function adapterOf(policy: Policy): Promise<Adapter> {
  return adapterFromLora(policy.lora!, await policy.parameters.download(), null);
}

/** Puts the trained weights into the sampler: the adapter, or all of them. */
async function sync(policy: Policy, sampler: OnnxSampler): Promise<string | null> {
  if (policy.lora !== null) return sampler.setAdapter(await adapterOf(policy)).hash;
  const values = await policy.parameters.download();
  const shapes = new Map(policy.parameters.shapes.map(({ name, shape }) => [name, shape]));
  const weights = (name: string) => fromFloat32(values.get(name)!, shapes.get(name)!);
  return (await sampler.reloadWeights(weights, 'trained')).hash;
}

async function trainerLogps(policy: Policy, adapter: AdapterChoice = 'policy'): Promise<number[]> {
  return logpsOf(await policy.score(batchOf(SEQUENCES), { adapter }));
}

const samplerLogps = async (sampler: Sampler): Promise<number[]> =>
  (await sampler.score(SEQUENCES)).flatMap((logps) => Array.from(logps));

/** The trainer's log p of the sampled tokens, at the sampling temperature. */
async function rescored(
  policy: Policy,
  completions: readonly Completion[],
  temperature: number,
): Promise<number[]> {
  const sequences = completions.map(({ promptIds, ids }) => ({
    ids: [...promptIds, ...ids],
    trained: [...promptIds.map(() => false), ...ids.map(() => true)],
  }));
  return logpsOf(await policy.score(collate(sequences), { temperature }));
}

function report(what: string, gap: number): void {
  if (process.env.LORIKEET_REPORT) process.stderr.write(`${what}: ${gap.toExponential(2)}\n`);
}

const ADAPTERS: readonly { readonly name: string; readonly lora: Partial<LoraConfig> | null }[] = [
  { name: 'LoRA on all linears', lora: {} },
  {
    name: 'rsLoRA of several ranks on some',
    lora: {
      targetModules: ['q_proj', 'v_proj', 'up_proj', 'o_proj'],
      rankPattern: { v_proj: 7 },
      useRslora: true,
    },
  },
  { name: 'full training', lora: null },
];

describe.each(['llama', 'qwen2'] as const)('%s', (family) => {
  test('without an adapter', async () => {
    const policy = kept(tinyPolicy({ family }));
    const sampler = await samplerFor(policy, family);
    const gap = largestGap(await samplerLogps(sampler), await trainerLogps(policy, 'off'));
    report(`${family}, base`, gap);
    expect(gap).toBeLessThan(TOLERANCE);
  });

  test.each(ADAPTERS)('$name, before and after training', async ({ name, lora }) => {
    const policy = kept(tinyPolicy({ family, lora }));
    const sampler = await samplerFor(policy, family);
    await sync(policy, sampler);
    const before = await trainerLogps(policy);
    const start = largestGap(await samplerLogps(sampler), before);
    expect(start).toBeLessThan(TOLERANCE);
    await train(policy);
    const after = await trainerLogps(policy);
    expect(largestGap(after, before)).toBeGreaterThan(0.1);
    await sync(policy, sampler);
    const end = largestGap(await samplerLogps(sampler), after);
    report(`${family}, ${name}`, Math.max(start, end));
    expect(end).toBeLessThan(TOLERANCE);
  });

  test.each([0.7, 1, 1.5])('log-probabilities recorded at temperature %d', async (temperature) => {
    const policy = kept(tinyPolicy({ family }));
    await train(policy);
    const sampler = await samplerFor(policy, family);
    const hash = await sync(policy, sampler);
    const requests = PROMPTS.map((promptIds, i) => ({ id: `${i}`, promptIds, n: 4 }));
    const params = { ...PLAIN_SAMPLING, temperature, seed: 5, maxNewTokens: MAX_NEW_TOKENS };
    const completions = await sampler.generate(requests, params);
    expect(completions).toHaveLength(20);
    expect(new Set(completions.map(({ adapter }) => adapter))).toEqual(new Set([hash]));
    const recorded = completions.flatMap(({ logprobs }) => Array.from(logprobs));
    const gap = largestGap(recorded, await rescored(policy, completions, temperature));
    report(`${family}, ${recorded.length} tokens at temperature ${temperature}`, gap);
    expect(gap).toBeLessThan(TOLERANCE);
    const other = await rescored(policy, completions, temperature + 0.1);
    expect(largestGap(recorded, other)).toBeGreaterThan(0.01);
  });
});

test.each<Partial<SamplingParams>>([
  { topP: 0.9 },
  { topK: 5, temperature: 0.7 },
  { minP: 0.1 },
  { repetitionPenalty: 1.3, topP: 0.95 },
])('the whole softmax of filtered tokens: %j', async (changes) => {
  const policy = kept(tinyPolicy());
  await train(policy);
  const sampler = await samplerFor(policy, 'llama');
  await sync(policy, sampler);
  const requests = PROMPTS.map((promptIds, i) => ({ id: `${i}`, promptIds, n: 4 }));
  const params = { ...PLAIN_SAMPLING, seed: 5, maxNewTokens: MAX_NEW_TOKENS, ...changes };
  const completions = await sampler.generate(requests, params);
  const scored = await rescored(policy, completions, params.temperature);
  const whole = completions.flatMap(({ policyLogprobs }) => Array.from(policyLogprobs!));
  expect(largestGap(whole, scored)).toBeLessThan(TOLERANCE);
  const drawn = completions.flatMap(({ logprobs }) => Array.from(logprobs));
  expect(largestGap(drawn, scored)).toBeGreaterThan(0.05);
});

describe('the probe', () => {
  const probe = (policy: Policy, sampler: Pick<Sampler, 'score' | 'adapterHash'>, hash: string) =>
    probePolicy({ policy, sampler, sequences: PROMPTS, expectedHash: hash, tolerance: TOLERANCE });

  async function prepared() {
    const policy = kept(tinyPolicy());
    const sampler = await samplerFor(policy, 'llama');
    await sync(policy, sampler);
    await train(policy, { steps: 1, learningRate: 1e-3 });
    return { policy, sampler, hash: adapterHash(await adapterOf(policy)) };
  }

  test('passes a synced sampler and says how far apart it is', async () => {
    const { policy, sampler, hash } = await prepared();
    await sync(policy, sampler);
    const { max, mean } = await probe(policy, sampler, hash);
    expect(max).toBeLessThan(TOLERANCE);
    expect(mean).toBeGreaterThan(0);
    expect(mean).toBeLessThan(max);
  });

  test('stops a stale adapter by its hash', async () => {
    const { policy, sampler, hash } = await prepared();
    const stale = probe(policy, sampler, hash);
    await expect(stale).rejects.toThrow(GuardError);
    await expect(stale).rejects.toThrow(/policy probe: the sampler holds adapter [0-9a-f]{64}/);
  });

  test('stops a stale adapter under a forged hash by its log-probabilities', async () => {
    const { policy, sampler, hash } = await prepared();
    const forged = { score: sampler.score.bind(sampler), adapterHash: hash };
    const stale = probe(policy, forged, hash);
    await expect(stale).rejects.toThrow(GuardError);
    await expect(stale).rejects.toThrow(
      /policy probe: log-probabilities .* differ by up to 0\.\d+/,
    );
  });

  test('stops a sampler without the adapter', async () => {
    const { policy, sampler, hash } = await prepared();
    sampler.setAdapter(null);
    await expect(probe(policy, sampler, hash)).rejects.toThrow(/holds adapter null/);
  });

  test('stops on log-probabilities that are no numbers', async () => {
    const { policy, sampler, hash } = await prepared();
    const broken = {
      adapterHash: hash,
      score: async () => (await sampler.score(PROMPTS)).map((logps) => logps.fill(Number.NaN)),
    };
    await expect(probe(policy, broken, hash)).rejects.toThrow(/differ by up to Infinity/);
  });

  test('is made of the first prompts, each with a target', () => {
    const long = randomIds(rng, 100);
    const prompts = [[5], [1, 2, 3], long, [8, 9], [4, 4]];
    expect(probeSequences(prompts)).toEqual([[5, 5], [1, 2, 3], long.slice(0, 64), [8, 9]]);
  });
});
