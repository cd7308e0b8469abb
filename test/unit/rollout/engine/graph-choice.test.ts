/** Tokens chosen by a graph against those that the host chooses, for the same random numbers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import { PLAIN_SAMPLING, type SamplingParams } from '../../../../src/rollout/index.js';
import { RunError } from '../../../../src/util/errors.js';
import { elementCount } from '../../../../src/util/shape.js';
import { fromFloat32 } from '../../../../src/weights/index.js';
import { goldenCase, goldenSpec, goldenWeights } from '../../../support/golden-rollouts.js';
import { goldenRequests, goldenSampler } from '../../../support/golden-sampler.js';

const golden = goldenCase('llama');
const spec = { ...goldenSpec(golden), vocabSize: 700 };
const weights = goldenWeights(golden, spec);
const requests = goldenRequests(golden, 8);

const create = (choice: 'host' | 'graph', own = weights) =>
  goldenSampler(golden, { spec, weights: own, choice, loraModules: [], maxBatch: 7 });

let host: OnnxSampler;
let graph: OnnxSampler;
beforeAll(async () => {
  host = await create('host');
  graph = await create('graph');
});
afterAll(() => {
  host.dispose();
  graph.dispose();
});

describe('the graph', () => {
  it.each<Partial<SamplingParams>>([
    {},
    { temperature: 0 },
    { temperature: 0.3 },
    { topK: 1 },
    { topK: 20 },
    { topK: 5000 },
    { topP: 0.3 },
    { topP: 0.95, temperature: 0.5 },
    { minP: 0.3 },
    { topK: 300, topP: 0.8, minP: 0.05, temperature: 1.3 },
    { repetitionPenalty: 1.2, topK: 5 },
    { minNewTokens: 6 },
  ])('chooses as the host does: %j', async (changes) => {
    const params = { ...PLAIN_SAMPLING, maxNewTokens: 24, seed: 5, ...changes };
    const expected = await host.generate(requests, params);
    const actual = await graph.generate(requests, params);
    expect(actual.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
    for (const [i, { logprobs, policyLogprobs }] of expected.entries()) {
      for (const [t, logprob] of logprobs.entries()) {
        expect(actual[i]!.logprobs[t]).toBeCloseTo(logprob, 6);
        expect(actual[i]!.policyLogprobs![t]).toBeCloseTo(policyLogprobs![t]!, 6);
      }
    }
    // 40 completions of up to 24 tokens: enough that a rule which is off by one token would show.
    expect(expected.reduce((sum, { ids }) => sum + ids.length, 0)).toBeGreaterThan(200);
  });

  it('takes the lower ids of equally likely tokens', async () => {
    const equal = await Promise.all(
      (['host', 'graph'] as const).map((choice) =>
        create(choice, (name) => {
          const { shape, dtype } = weights(name);
          const size = elementCount(shape);
          expect(dtype).toBe('float32');
          return fromFloat32(new Float32Array(size), shape);
        }),
      ),
    );
    const params = { ...PLAIN_SAMPLING, maxNewTokens: 24, seed: 5, topK: 11 };
    const [expected, actual] = await Promise.all(
      equal.map((sampler) => sampler.generate(requests, params)),
    );
    expect(actual!.map(({ ids }) => ids)).toEqual(expected!.map(({ ids }) => ids));
    expect(Math.max(...actual!.flatMap(({ ids }) => ids))).toBe(10);
    for (const sampler of equal) sampler.dispose();
  });

  it('finds logits that are not numbers', async () => {
    const broken = await create('graph', (name) => {
      const { shape } = weights(name);
      const size = elementCount(shape);
      return fromFloat32(new Float32Array(size).fill(Number.NaN), shape);
    });
    const params = { ...PLAIN_SAMPLING, maxNewTokens: 4, seed: 5 };
    await expect(broken.generate(requests, params)).rejects.toThrow(RunError);
    broken.dispose();
  });
});
