/** LoRA on the parameters of experts computes here what it computes in PEFT (scripts/golden/expert_lora.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import {
  loraFromAdapter,
  mergedWeights,
  Policy,
  planLora,
  specFromConfig,
} from '../../src/model/index.js';
import { adaptable } from '../../src/model/spec-modules.js';
import { adamW, tf } from '../../src/tensor/index.js';
import type { JsonRow } from '../../src/util/files.js';
import { readAdapter, readSafetensors, toFloat32, writeAdapter } from '../../src/weights/index.js';
import { largestGap, relativeGap } from '../support/gaps.js';
import { EXPERT_CASES, goldenWeights } from '../support/golden-models.js';
import { testOperators } from '../support/operators.js';
import { temporaryFolder } from '../support/temporary.js';
import { batchOf } from '../support/token-rows.js';
import { samplerScores, trainerScores } from './adapter-scores.js';
import { logitGap } from './logit-gap.js';

const FOLDER = new URL('../fixtures/peft/experts/', import.meta.url).pathname;
const CASES = [...EXPERT_CASES, 'qwen3_moe-saved'];
const TENSORS = 'adapter_model.safetensors';

interface Expected {
  readonly family: string;
  readonly config: JsonRow;
  readonly ids: readonly (readonly number[])[];
  readonly adamw: { readonly lr: number; readonly weight_decay: number };
  readonly losses: readonly number[];
}

const kernels = testOperators();

describe.each(CASES)('%s', (name) => {
  const dir = join(FOLDER, name);
  const expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as Expected;
  const { ids } = expected;
  const tensors = readSafetensors(join(dir, 'expected.safetensors'));
  const spec = specFromConfig('expected.json', expected.config);
  const weights = goldenWeights(expected.family, spec);
  const adapter = readAdapter(dir, { base: adaptable(spec) });
  const lora = planLora(spec, adapter.config);
  const policyOf = (checkpointedLayers = 0) =>
    new Policy({
      spec,
      weights,
      lora,
      initialLora: loraFromAdapter(lora, adapter),
      checkpointedLayers,
    });
  const loss = (scores: Parameters<typeof sftLoss>[0]) =>
    sftLoss(scores, {
      totalTokens: batchOf(ids).targets.length,
      lossType: 'nll',
      labelSmoothing: 0,
    });

  test('logits', async () => {
    const policy = policyOf();
    expect(await logitGap(policy, ids, toFloat32(tensors.get('logits')!))).toBeLessThan(1e-4);
    policy.dispose();
  });

  test.each([0, 2])('gradients, %i layers recomputed', async (checkpointedLayers) => {
    const policy = policyOf(checkpointedLayers);
    const outcome = await policy.gradients(batchOf(ids), loss);
    const found = (await outcome.gradient.data()) as Float32Array;
    outcome.gradient.dispose();
    policy.dispose();
    expect(Math.abs(outcome.loss - expected.losses[0]!)).toBeLessThan(1e-5);
    const gradients = [...tensors.keys()].filter((key) => key.startsWith('grad.'));
    expect(lora.shapes.map((one) => `grad.${one.name}`).sort()).toEqual(gradients.sort());
    let offset = 0;
    for (const { name: parameter, shape } of lora.shapes) {
      const gradient = tensors.get(`grad.${parameter}`)!;
      expect(shape, parameter).toEqual(gradient.shape);
      const values = toFloat32(gradient);
      const part = found.subarray(offset, offset + values.length);
      offset += values.length;
      expect(relativeGap(part, values), parameter).toBeLessThan(1e-3);
    }
  });

  test('steps of AdamW', async () => {
    const policy = policyOf();
    const { lr, weight_decay: weightDecay } = expected.adamw;
    const defaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay, decayMask: null };
    const optimizer = adamW(policy.parameters.size, defaults);
    for (const [step, value] of expected.losses.entries()) {
      const { loss: found, gradient } = await policy.gradients(batchOf(ids), loss);
      expect(Math.abs(found - value), `loss of step ${step}`).toBeLessThan(1e-4);
      tf.dispose([optimizer.apply(policy.parameters, gradient, lr), gradient]);
    }
    optimizer.dispose();
    policy.dispose();
  });

  test('merged into the base', () => {
    const merged = mergedWeights({ spec, weights }, { adapter, dtype: null }).tensors;
    const keys = [...tensors.keys()].filter((key) => key.startsWith('merged.'));
    expect(keys.length).toBe(3 * spec.experts!.count);
    for (const key of keys) {
      const found = toFloat32(merged.get(key.slice('merged.'.length))!);
      expect(largestGap(found, toFloat32(tensors.get(key)!)), key).toBeLessThan(1e-5);
    }
  });

  test('written again, it is the same file', () => {
    const again = temporaryFolder();
    writeAdapter(again, adapter);
    expect(readFileSync(join(again, TENSORS)).equals(readFileSync(join(dir, TENSORS)))).toBe(true);
    const configOf = (folder: string) =>
      JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as JsonRow;
    expect(configOf(again).target_parameters).toEqual(configOf(dir).target_parameters);
    expect(configOf(again).target_modules).toEqual(configOf(dir).target_modules);
  });

  test.skipIf(adapter.replaced!.size > 0)('in the sampler', async () => {
    const model = { spec, weights, adapter };
    const { adapted, base } = await trainerScores(model, ids);
    await expect(samplerScores(model, ids)).rejects.toThrow(
      /^rollout: the adapter has LoRA on experts \(".*[.]experts[.].*"\), which ONNX Runtime's own operators do not take/,
    );
    const sampled = await samplerScores(model, ids, kernels('float32'));
    expect(largestGap(sampled.flat(), adapted.flat())).toBeLessThan(1e-5);
    expect(largestGap(base.flat(), adapted.flat())).toBeGreaterThan(0.1);
  });
});
