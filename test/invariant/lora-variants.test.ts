/** Every kind of LoRA computes here what it computes in PEFT (scripts/golden/lora_variants.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import {
  adapterFromLora,
  asPlainLora,
  checkTensors,
  type LoraPlan,
  loraFromAdapter,
  Policy,
  parsePissa,
  planLora,
  specFromConfig,
  startLora,
} from '../../src/model/index.js';
import { openSampler } from '../../src/recipes/sampling/open-sampler.js';
import { syncSampler } from '../../src/recipes/sampling/sync-sampler.js';
import { decayMask, loraPlusRates } from '../../src/recipes/training/parameter-groups.js';
import { adamW, tf } from '../../src/tensor/index.js';
import type { JsonRow } from '../../src/util/files.js';
import {
  type LoraConfig,
  loraConfig,
  readAdapter,
  readSafetensors,
  toFloat32,
  writeAdapter,
} from '../../src/weights/index.js';
import { largestGap, relativeGap } from '../support/gaps.js';
import { goldenTensor, goldenWeights } from '../support/golden-models.js';
import { temporaryFolder } from '../support/temporary.js';
import { batchOf, logpsOf } from '../support/token-rows.js';
import { logitGap } from './logit-gap.js';

interface Options {
  readonly r: number;
  readonly lora_alpha: number;
  readonly target_modules: string | string[];
  readonly use_dora?: boolean;
  readonly use_rslora?: boolean;
  readonly bias?: LoraConfig['bias'];
  readonly modules_to_save?: string[];
  readonly init_lora_weights?: string;
  readonly rank_pattern?: Record<string, number>;
  readonly alpha_pattern?: Record<string, number>;
  readonly tie_word_embeddings?: boolean;
}

interface Case {
  readonly options: Options;
  readonly loss: number;
  readonly saved: Readonly<Record<string, readonly number[]>>;
}

const FOLDER = new URL('../fixtures/peft/variants/', import.meta.url).pathname;
const { config, ids, cases, loraplus } = JSON.parse(
  readFileSync(join(FOLDER, 'variants.json'), 'utf8'),
) as {
  readonly config: JsonRow;
  readonly ids: number[][];
  readonly cases: Readonly<Record<string, Case>>;
  readonly loraplus: {
    readonly options: Options;
    readonly lr: number;
    readonly loraplus_lr_ratio: number;
    readonly loraplus_weight_decay: number;
    readonly losses: readonly number[];
  };
};
const tensors = readSafetensors(join(FOLDER, 'variants.safetensors'));
const expectedOf = (name: string) => toFloat32(tensors.get(name)!);

function configOf(options: Options): LoraConfig {
  return loraConfig({
    r: options.r,
    loraAlpha: options.lora_alpha,
    targetModules: options.target_modules,
    useDora: options.use_dora ?? false,
    useRslora: options.use_rslora ?? false,
    bias: options.bias ?? 'none',
    modulesToSave: options.modules_to_save ?? null,
    initLoraWeights: options.init_lora_weights ?? true,
    rankPattern: options.rank_pattern ?? {},
    alphaPattern: options.alpha_pattern ?? {},
  });
}

function trainedValues(plan: LoraPlan): Float32Array[] {
  return plan.shapes.map(({ name, shape }) =>
    toFloat32(goldenTensor('trained', name, { shape, normMean: 1 })),
  );
}

/** The base and the plan of a variant, and what training starts from. */
function setUp(options: Options) {
  const tied = options.tie_word_embeddings ?? true;
  const spec = specFromConfig('variants.json', { ...config, tie_word_embeddings: tied });
  const weights = goldenWeights('variants', spec);
  const plan = planLora(spec, configOf(options));
  const start = startLora(plan, { spec, weights, seed: 0 });
  const isPissa = parsePissa(plan.config.initLoraWeights) !== null;
  return {
    spec,
    weights,
    plan,
    start: isPissa ? start : { ...start, values: trainedValues(plan) },
  };
}

const loss = (scores: Parameters<typeof sftLoss>[0]) =>
  sftLoss(scores, { totalTokens: batchOf(ids).targets.length, lossType: 'nll', labelSmoothing: 0 });

function policyOf({ spec, plan, start }: ReturnType<typeof setUp>, checkpointedLayers = 0) {
  const { weights, values: initialLora } = start;
  return new Policy({ spec, weights, lora: plan, initialLora, checkpointedLayers });
}

/** Components of a decomposition have no sign of their own; A's rows and B's columns share it. */
function withSigns(found: Float32Array, expected: Float32Array, shape: readonly number[]) {
  const [rows, columns] = shape as [number, number];
  const isWide = rows < columns;
  const lines = Math.min(rows, columns);
  const line = (i: number) => (isWide ? Math.floor(i / columns) : i % columns);
  const products = new Float64Array(lines);
  for (const [i, value] of found.entries()) products[line(i)]! += value * expected[i]!;
  return found.map((value, i) => Math.sign(products[line(i)]!) * value);
}

describe.each(Object.entries(cases))('%s', (name, { options, loss: expectedLoss, saved }) => {
  const set = setUp(options);
  const { spec, plan, start } = set;
  const isPissa = parsePissa(plan.config.initLoraWeights) !== null;

  test('logits', async () => {
    const policy = policyOf(set);
    expect(await logitGap(policy, ids, expectedOf(`${name}/logits`))).toBeLessThan(1e-4);
    policy.dispose();
  });

  test.each([0, 1])('gradients, %i layers recomputed', async (checkpointedLayers) => {
    const policy = policyOf(set, checkpointedLayers);
    const outcome = await policy.gradients(batchOf(ids), loss);
    const found = (await outcome.gradient.data()) as Float32Array;
    outcome.gradient.dispose();
    policy.dispose();
    expect(Math.abs(outcome.loss - expectedLoss)).toBeLessThan(1e-5);
    let offset = 0;
    for (const { name: parameter, shape } of plan.shapes) {
      const expected = tensors.get(`${name}/${parameter}`);
      expect(expected?.shape, parameter).toEqual(shape);
      const part = found.slice(offset, offset + expectedOf(`${name}/${parameter}`).length);
      offset += part.length;
      const signed =
        isPissa && shape.length === 2 ? withSigns(part, toFloat32(expected!), shape) : part;
      expect(relativeGap(signed, toFloat32(expected!)), parameter).toBeLessThan(1e-3);
    }
  });

  test('files have the names that PEFT gives, and come back', () => {
    const values = new Map(plan.shapes.map((one, i) => [one.name, start.values[i]!]));
    const adapter = adapterFromLora(plan, values, 'base');
    const dir = temporaryFolder();
    const plain = isPissa ? asPlainLora(adapter, adapter) : adapter;
    writeAdapter(dir, plain);
    const written = readSafetensors(join(dir, 'adapter_model.safetensors'));
    expect([...written.keys()].sort()).toEqual(Object.keys(saved).sort());
    if (isPissa) return;
    for (const [key, { shape }] of written) expect(shape, key).toEqual(saved[key]);
    const back = readAdapter(dir);
    checkTensors(planLora(spec, back.config), back, dir);
    expect(loraFromAdapter(plan, back)).toEqual(start.values);
  });
});

describe('the sampler', () => {
  const sampled = Object.entries(cases).filter(([name]) => !name.startsWith('pissa'));

  test.each(sampled)('takes %s over on each sync', async (_, { options }) => {
    const { spec, weights, plan, start } = setUp(options);
    const policy = policyOf({ spec, weights, plan, start });
    const source = { spec, weights, adapter: null, tokenizer: { eosIds: [], decode: () => '' } };
    const trained = {
      policy,
      adapter: async () => adapterFromLora(plan, await policy.parameters.download(), 'base'),
    };
    const modules = { loraModules: [...plan.targets.keys()], replaced: plan.replaced };
    const size = { threads: 1, maxBatch: 4, maxPromptLength: 10, maxNewTokens: 2 };
    const sampler = await openSampler(source as never, { ...size, ...modules });
    const subject = { trained, source } as never;
    const gap = async () => {
      const found = (await sampler.score(ids)).flatMap((part) => [...part]);
      return largestGap(found, logpsOf(await policy.score(batchOf(ids))));
    };
    expect(await gap()).toBeGreaterThan(1e-2);
    const first = await syncSampler(subject, sampler);
    expect(await gap()).toBeLessThan(1e-5);
    policy.parameters.assign((await policy.parameters.values.data()).map((x) => 1.5 * x) as never);
    expect(await gap()).toBeGreaterThan(1e-2);
    const second = await syncSampler(subject, sampler);
    expect(await gap()).toBeLessThan(1e-5);
    expect(second.hash).not.toBe(first.hash);
    expect(sampler.adapterHash).toBe(second.hash);
    sampler.dispose();
    policy.dispose();
  });
});

test.each(['pissa', 'pissa-rslora'])('a trained adapter of %s is plain LoRA', async (name) => {
  const { spec, weights, plan, start } = setUp(cases[name]!.options);
  const trained = plan.shapes.map(({ name: parameter, shape }, i) => {
    const row = (at: number) => Math.floor(at / shape[1]!);
    const isA = parameter.endsWith('lora_A.weight');
    return start.values[i]!.map((value, at) => value * (isA ? 1 + row(at) / 10 : 0.7));
  });
  const adapterOf = (values: readonly Float32Array[]) =>
    adapterFromLora(plan, new Map(plan.shapes.map((one, i) => [one.name, values[i]!])), 'base');
  const plain = asPlainLora(adapterOf(trained), adapterOf(start.values));
  const again = planLora(spec, plain.config);
  const values = loraFromAdapter(again, plain);
  const policy = policyOf({ spec, weights, plan: again, start: { weights, values } });
  expect(await logitGap(policy, ids, expectedOf(`${name}/converted`))).toBeLessThan(1e-4);
  policy.dispose();
});

test('LoRA+ learns as with the optimizer of PEFT', async () => {
  const set = setUp(loraplus.options);
  const policy = policyOf(set);
  const optimizer = adamW(policy.parameters.size, {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: loraplus.loraplus_weight_decay,
    decayMask: decayMask(policy),
    rates: loraPlusRates(policy, loraplus.loraplus_lr_ratio),
  });
  for (const [step, expected] of loraplus.losses.entries()) {
    const { loss: found, gradient } = await policy.gradients(batchOf(ids), loss);
    expect(Math.abs(found - expected), `loss of step ${step}`).toBeLessThan(1e-4);
    const norm = optimizer.apply(policy.parameters, gradient, loraplus.lr);
    tf.dispose([norm, gradient]);
  }
  optimizer.dispose();
  policy.dispose();
});

test('an adapter that is switched off leaves the base as it was', async () => {
  const set = setUp(cases['save-both']!.options);
  const { spec, weights } = set;
  const policy = policyOf(set);
  const base = new Policy({ spec, weights, lora: null, initialLora: [], checkpointedLayers: 0 });
  const batch = batchOf(ids);
  const off = await policy.score(batch, { adapter: 'off' });
  expect(largestGap(off, await base.score(batch))).toBeLessThan(1e-5);
  expect(largestGap(off, await policy.score(batch))).toBeGreaterThan(0.1);
  policy.dispose();
  base.dispose();
});
