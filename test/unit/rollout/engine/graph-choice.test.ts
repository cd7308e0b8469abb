/** Tokens chosen by a graph against those that the host chooses, for the same random numbers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createOnnxSampler,
  type OnnxSampler,
  PLAIN_SAMPLING,
  type SamplingParams,
} from '../../../../src/rollout/index.js';
import { RunError } from '../../../../src/util/errors.js';
import { fromFloat32 } from '../../../../src/weights/index.js';
import { goldenCase, goldenSpec, goldenWeights, letterTokenizer } from '../golden.js';

const golden = goldenCase('llama');
const spec = { ...goldenSpec(golden), vocabSize: 700 };
const weights = goldenWeights(golden, spec);
const requests = golden.prompts.map((promptIds, i) => ({ id: String(i), promptIds, n: 8 }));

function create(choice: 'host' | 'graph', source = weights): Promise<OnnxSampler> {
  return createOnnxSampler({
    spec,
    weights: source,
    tokenizer: letterTokenizer(golden.eos),
    choice,
    maxContext: 64,
    maxBatch: 7,
    threads: 1,
  });
}

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
          const size = shape.reduce((product, dim) => product * dim, 1);
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
      const size = shape.reduce((product, dim) => product * dim, 1);
      return fromFloat32(new Float32Array(size).fill(Number.NaN), shape);
    });
    const params = { ...PLAIN_SAMPLING, maxNewTokens: 4, seed: 5 };
    await expect(broken.generate(requests, params)).rejects.toThrow(RunError);
    broken.dispose();
  });
});
