/** The trainer's forward pass as a sampler gives the tokens of the rollout engine, for the same seed. */
import { describe, expect, it } from 'vitest';
import { linearModules } from '../../src/model/spec-modules.js';
import { openPolicySampler } from '../../src/recipes/sampling/policy-sampler.js';
import {
  type Completion,
  PLAIN_SAMPLING,
  type Sampler,
  type SamplingParams,
} from '../../src/rollout/index.js';
import { RunError } from '../../src/util/errors.js';
import {
  goldenAdapter,
  goldenCase,
  goldenSpec,
  goldenWeights,
  letterTokenizer,
} from '../support/golden-rollouts.js';
import { goldenRequests, goldenSampler } from '../support/golden-sampler.js';

const PARAMS: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 10, seed: 7 };

async function samplers(name: string) {
  const golden = goldenCase(name);
  const spec = goldenSpec(golden);
  const source = { spec, weights: goldenWeights(golden, spec), adapter: null };
  const tokenizer = letterTokenizer(golden.eos);
  const adapter = goldenAdapter(golden, spec);
  const loraModules = linearModules(spec)
    .map(({ module }) => module)
    .filter((module) => adapter.tensors.has(module));
  const onnx = await goldenSampler(golden, { loraModules });
  const reference = openPolicySampler({ ...source, tokenizer }, { maxContext: 64, maxBatch: 3 });
  const requests = goldenRequests(golden, 2);
  return { golden, onnx, reference, requests, adapter };
}

const shown = ({ requestId, sampleIndex, ids, text, finishReason, adapter }: Completion) =>
  JSON.stringify([requestId, sampleIndex, ids, text, finishReason, adapter]);

async function expectSame(
  [one, other]: readonly [Sampler, Sampler],
  requests: Parameters<Sampler['generate']>[0],
  params: SamplingParams,
): Promise<void> {
  const [a, b] = [await one.generate(requests, params), await other.generate(requests, params)];
  expect(b.map(shown)).toEqual(a.map(shown));
  for (const [i, { logprobs }] of a.entries()) {
    for (const [t, logprob] of logprobs.entries()) {
      expect(b[i]!.logprobs[t]).toBeCloseTo(logprob, 4);
    }
  }
}

describe.each(['llama', 'gemma3', 'phi3-longrope'])('%s', (name) => {
  it('samples the same, with and without an adapter, filters and stops', async () => {
    const { golden, onnx, reference, requests, adapter } = await samplers(name);
    const pair = [onnx, reference] as const;
    await expectSame(pair, requests, PARAMS);
    await expectSame(pair, requests, { ...PARAMS, temperature: 0 });
    const { hash } = await reference.setAdapter(adapter);
    expect(onnx.setAdapter(adapter).hash).toBe(hash);
    await expectSame(pair, requests, {
      ...PARAMS,
      temperature: 0.8,
      topK: 20,
      topP: 0.9,
      minP: 0.01,
      repetitionPenalty: 1.2,
      minNewTokens: 3,
      stopIds: [golden.prompts[1]![0]!],
    });
    const sequences = requests.map(({ promptIds }) => [...promptIds, 1, 2]);
    const [a, b] = [await onnx.score(sequences), await reference.score(sequences)];
    for (const [i, logprobs] of a.entries()) {
      for (const [t, logprob] of logprobs.entries()) expect(b[i]![t]).toBeCloseTo(logprob, 4);
    }
    for (const sampler of pair) {
      expect((await sampler.setAdapter(adapter, 'named')).hash).toBe('named');
    }
    onnx.dispose();
    reference.dispose();
  });
});

it('stops for a signal, and holds its adapter while it samples', async () => {
  const { onnx, reference, requests } = await samplers('llama');
  onnx.dispose();
  const abort = new AbortController();
  const running = reference.generate(requests, PARAMS, { signal: abort.signal });
  expect(() => reference.setAdapter(null)).toThrow(RunError);
  abort.abort();
  const completions = await running;
  expect(completions.length).toBe(requests.length * 2);
  expect(completions.every(({ finishReason }) => finishReason === 'aborted')).toBe(true);
  reference.dispose();
});
