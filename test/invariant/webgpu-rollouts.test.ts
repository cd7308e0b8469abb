/**
 * Rollouts on WebGPU against those on the CPU, on a graphics device made of software. Compiling its programs is
 * what takes the time here, so that few models stand for all: one plain, one with norms on queries and keys and a sliding
 * window, one with convolutions, and one that rotates neighbours in a part of each head.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../src/rollout/engine/onnx-sampler.js';
import { PLAIN_SAMPLING, type SamplingParams } from '../../src/rollout/index.js';
import { InputError } from '../../src/util/errors.js';
import { type GoldenCase, goldenAdapter, goldenCase } from '../support/golden-rollouts.js';
import { goldenRequests, goldenSampler } from '../support/golden-sampler.js';
import { useSoftwareGpu } from './software-gpu.js';

const hasGpu = useSoftwareGpu();

const TOLERANCE = 1e-3;

/** Fewer slots than completions, so that rows of the cache are moved. */
const open = (golden: GoldenCase, device: 'cpu' | 'webgpu') =>
  goldenSampler(golden, { maxBatch: 3, device });

function expectClose(actual: readonly Float32Array[], expected: readonly Float32Array[]): void {
  for (const [i, row] of expected.entries()) {
    expect(actual[i]!.length).toBe(row.length);
    for (const [t, value] of row.entries()) {
      expect(Math.abs(actual[i]![t]! - value)).toBeLessThan(TOLERANCE);
    }
  }
}

const VARIANTS: Partial<SamplingParams>[] = [
  { temperature: 0 },
  { temperature: 0.8 },
  { topK: 40, topP: 0.9, minP: 0.05 },
  { repetitionPenalty: 1.2 },
];
const CASES = ['llama', 'gemma3', 'lfm2', 'glm'].map(goldenCase);

describe.skipIf(!hasGpu).each(CASES)('$case on WebGPU', (golden) => {
  const requests = goldenRequests(golden, 2);
  const params: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 8, seed: 3 };
  let cpu: OnnxSampler;
  let gpu: OnnxSampler;
  beforeAll(async () => {
    cpu = await open(golden, 'cpu');
    gpu = await open(golden, 'webgpu');
  });
  afterAll(() => {
    cpu?.dispose();
    gpu?.dispose();
  });

  it('scores as the CPU does', async () => {
    expectClose(await gpu.score(golden.prompts), await cpu.score(golden.prompts));
  });

  it.each(golden.case === 'llama' ? VARIANTS : VARIANTS.slice(0, 1))(
    'samples as the CPU does: %j',
    async (changes) => {
      const adapter = changes.temperature === 0 ? null : goldenAdapter(golden);
      cpu.setAdapter(adapter);
      gpu.setAdapter(adapter);
      const expected = await cpu.generate(requests, { ...params, ...changes });
      const actual = await gpu.generate(requests, { ...params, ...changes });
      expect(actual.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
      expectClose(
        actual.map(({ logprobs }) => logprobs),
        expected.map(({ logprobs }) => logprobs),
      );
    },
  );
});

it('refuses a model whose attention the provider computes wrongly', async () => {
  await expect(open(goldenCase('gemma2'), 'webgpu')).rejects.toThrow(InputError);
  await expect(open(goldenCase('gemma2'), 'webgpu')).rejects.toThrow(/caps its attention scores/);
});
