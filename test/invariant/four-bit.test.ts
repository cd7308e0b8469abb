/** A base in 4 bits computes what one computes whose checkpoint holds the values that those bits stand for. */
import { describe, expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import {
  adapterFromLora,
  fourBitBase,
  Policy,
  planLora,
  startLora,
} from '../../src/model/index.js';
import { linearModules, parameterShapes } from '../../src/model/spec-modules.js';
import { openSampler } from '../../src/recipes/sampling/open-sampler.js';
import { syncSampler } from '../../src/recipes/sampling/sync-sampler.js';
import { type ComputeType, tf } from '../../src/tensor/index.js';
import { elementCount } from '../../src/util/shape.js';
import {
  fromFloat32,
  type HostTensor,
  type LoraConfig,
  loraConfig,
  toFloat32,
} from '../../src/weights/index.js';
import { largestGap } from '../support/gaps.js';
import { goldenCase, goldenTensor, goldenWeights } from '../support/golden-models.js';
import { kept } from '../support/kept.js';
import { batchOf, logpsOf } from '../support/token-rows.js';
import { tinyModel } from './tiny-policy.js';

interface Variant {
  readonly family: string;
  readonly lora?: Partial<LoraConfig>;
  readonly compute?: ComputeType;
  readonly isNested?: boolean;
  readonly checkpointedLayers?: number;
}

function goldenModel(family: string) {
  const { spec } = goldenCase(family);
  return { spec, weights: goldenWeights(family, spec) };
}

function setUp({ family, lora = {}, isNested = false }: Variant) {
  const { spec, weights: base } = family === 'tiny' ? tinyModel('llama') : goldenModel(family);
  const quantised = fourBitBase(spec, base, { type: 'nf4', isNested });
  const full = (name: string): HostTensor => {
    const tensor = quantised(name);
    return fromFloat32(toFloat32(tensor), tensor.shape);
  };
  const config = { r: 4, loraAlpha: 8, targetModules: 'all-linear', ...lora };
  const plan = planLora(spec, loraConfig(config));
  return { spec, base, quantised, full, plan };
}

function policyOf(set: ReturnType<typeof setUp>, variant: Variant, kind: 'quantised' | 'full') {
  const { spec, plan } = set;
  const start = startLora(plan, { spec, weights: set[kind], seed: 1 });
  const initialLora = plan.shapes.map(({ name, shape }, i) =>
    name.includes('.lora_')
      ? toFloat32(goldenTensor('four-bit', name, { shape, normMean: 1 }))
      : start.values[i]!,
  );
  const { checkpointedLayers = 0, compute = 'float32' } = variant;
  const options = { spec, weights: start.weights, lora: plan, initialLora };
  return kept(new Policy({ ...options, checkpointedLayers, compute }));
}

const ids = goldenCase('llama').rows.map((row) => row.map((id) => id % 40));
const total = batchOf(ids).targets.length;

async function outcomeOf(policy: Policy, onLoss = () => {}) {
  const lossOf = (scores: Parameters<typeof sftLoss>[0]) => {
    onLoss();
    return sftLoss(scores, { totalTokens: total, lossType: 'nll', labelSmoothing: 0 });
  };
  const { gradient, loss } = await policy.gradients(batchOf(ids), lossOf, { dropoutSeed: 3 });
  const values = [...((await gradient.data()) as Float32Array)];
  gradient.dispose();
  const off = logpsOf(await policy.score(batchOf(ids), { adapter: 'off' }));
  return { loss, values, off, logps: logpsOf(await policy.score(batchOf(ids))) };
}

const variants: readonly Variant[] = [
  { family: 'llama' },
  { family: 'gemma3', checkpointedLayers: 1 },
  { family: 'phi3', isNested: true, checkpointedLayers: 9 },
  { family: 'qwen2', compute: 'bfloat16', lora: { loraDropout: 0.1 } },
  { family: 'olmo2', compute: 'bfloat16', checkpointedLayers: 9 },
  { family: 'qwen3_moe', checkpointedLayers: 9 },
  { family: 'olmoe', compute: 'bfloat16' },
  { family: 'llama', lora: { useDora: true } },
  { family: 'qwen2', lora: { useDora: true, loraDropout: 0.1 }, checkpointedLayers: 9 },
  { family: 'qwen2', lora: { modulesToSave: ['q_proj', 'lm_head'], bias: 'all' } },
];

describe.each(variants)('$family $lora $compute', (variant) => {
  test('the same logits, loss and gradients, and no others than the base’s own', async () => {
    const set = setUp(variant);
    const found = await outcomeOf(policyOf(set, variant, 'quantised'));
    expect(found).toEqual(await outcomeOf(policyOf(set, variant, 'full')));
    expect(found.values.some((value) => value !== 0)).toBe(true);
    const own = policyOf({ ...set, full: set.base }, variant, 'full');
    expect(largestGap((await outcomeOf(own)).off, found.off)).toBeGreaterThan(1e-3);
  });

  test('no matrix is held from the forward to the backward pass, or longer', async () => {
    const set = setUp(variant);
    const bytesAtLoss = async (kind: 'quantised' | 'full') => {
      const policy = policyOf(set, variant, kind);
      await outcomeOf(policy);
      const start = tf.memory().numBytes;
      let bytes = 0;
      await outcomeOf(policy, () => {
        bytes = tf.memory().numBytes - start;
      });
      expect(tf.memory().numBytes).toBe(start);
      return bytes;
    };
    // The base's own tensors are in both counts at the start, so what is held besides is the same.
    expect(await bytesAtLoss('quantised')).toBe(await bytesAtLoss('full'));
  });
});

test.each([
  [false, 4 / 64],
  [true, 1 / 64],
] as const)('holds half a byte for a weight, nested %s', (isNested, perWeight) => {
  const variant = { family: 'llama', isNested } as const;
  const set = setUp(variant);
  const heldBy = (kind: 'quantised' | 'full') => {
    const start = tf.memory().numBytes;
    policyOf(set, variant, kind);
    return tf.memory().numBytes - start;
  };
  const shapes = parameterShapes(set.spec);
  const sizes = linearModules(set.spec).map(({ module }) =>
    elementCount(shapes.get(`${module}.weight`)!),
  );
  const saved = heldBy('full') - heldBy('quantised');
  // Beside the weights each matrix holds tables, a group of 256 magnitudes where they are nested, and its end.
  const expected = sizes.reduce((sum, size) => sum + size * (4 - 0.5 - perWeight), 0);
  const perMatrix = isNested ? 2048 + 1024 + 256 + 4 : 2048;
  expect(expected - saved).toBeGreaterThan(0);
  expect(expected - saved).toBeLessThanOrEqual(sizes.length * perMatrix);
});

test.each([{}, { useDora: true }])('the sampler has the same base: %s', async (lora) => {
  const variant = { family: 'tiny', lora } as const;
  const set = setUp(variant);
  const policy = policyOf(set, variant, 'quantised');
  const { spec, plan } = set;
  const tokenizer = { eosIds: [], decode: () => '' };
  const opened = async (weights: (name: string) => HostTensor) => {
    const source = { spec, weights, adapter: null, tokenizer };
    const size = { threads: 1, maxBatch: 4, maxPromptLength: 40, maxNewTokens: 2 };
    const modules = { loraModules: [...plan.targets.keys()], replaced: plan.replaced };
    const sampler = await openSampler(source as never, { ...size, ...modules });
    const trained = {
      policy,
      adapter: async () => adapterFromLora(plan, await policy.parameters.download(), 'base'),
    };
    await syncSampler({ trained, source } as never, sampler);
    const found = (await sampler.score(ids)).flatMap((part) => [...part]);
    sampler.dispose();
    return largestGap(found, logpsOf(await policy.score(batchOf(ids))));
  };
  expect(await opened(set.quantised)).toBeLessThan(1e-4);
  expect(await opened(set.base)).toBeGreaterThan(1e-2);
});
