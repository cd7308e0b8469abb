/** Prompts that go on from earlier sequences: what is kept of them, within which bound, and with the same result. */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../../../src/rollout/engine/kv-cache.js';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import { PrefixCache } from '../../../../src/rollout/engine/prefix-cache.js';
import { type KernelOptions, PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import {
  goldenAdapter,
  goldenCase,
  goldenSpec,
  goldenWeights,
  patternIds,
} from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { testOperators } from '../../../support/operators.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const TYPE = { native: null, type: 'float32' } as const;
const BYTES = spec.layers.length * 2 * spec.numKvHeads * spec.headDim * 4;

const idsOf = patternIds(spec);

describe('PrefixCache', () => {
  const row = (() => {
    const cache = new KvCache(spec);
    cache.shape({ rows: 2, capacity: 100 });
    for (const [i, { data }] of cache.tensors(2).entries()) (data as Float32Array).fill(i + 1);
    return { cache, row: 1 };
  })();
  const cacheOf = (tokens: number) =>
    new PrefixCache(spec, { type: TYPE, maxBytes: BYTES * tokens });

  it('finds the longest common beginning, of the same version only', () => {
    const kept = cacheOf(1000);
    kept.keep(row, idsOf(40), 'a');
    kept.keep(row, idsOf(60, 30), 'a');
    expect(kept.find(idsOf(50), 'a')!.tokens).toBe(40);
    expect(kept.find(idsOf(70, 30), 'a')!.tokens).toBe(60);
    expect(kept.find(idsOf(50), null)).toBeNull();
  });

  it('leaves the last token of a prompt to be computed', () => {
    const kept = cacheOf(1000);
    kept.keep(row, idsOf(40), null);
    expect(kept.find(idsOf(40), null)!.tokens).toBe(39);
    expect(kept.find(idsOf(30), null)!.tokens).toBe(29);
  });

  it('finds nothing of fewer than 16 tokens, or than half of the prompt', () => {
    const kept = cacheOf(1000);
    kept.keep(row, idsOf(40), null);
    expect(kept.find(idsOf(80), null)!.tokens).toBe(40);
    expect(kept.find(idsOf(81), null)).toBeNull();
    expect(kept.find(idsOf(17), null)!.tokens).toBe(16);
    expect(kept.find(idsOf(16), null)).toBeNull();
  });

  it('holds no more than its bytes: the oldest go, and what another one goes on from', () => {
    const kept = cacheOf(96);
    const others = [1, 2, 3].map((i) => idsOf(32).map((id) => (id + i) % spec.vocabSize));
    for (const ids of others) kept.keep(row, ids, null);
    for (const ids of others) expect(kept.find(ids, null)!.tokens).toBe(31);
    // In place of the third, with 16 tokens more: the first has to go too.
    kept.keep(row, [...others[2]!, ...idsOf(16)], null);
    expect(kept.find(others[0]!, null)).toBeNull();
    expect(kept.find(others[1]!, null)!.tokens).toBe(31);
    expect(kept.find(others[2]!, null)!.tokens).toBe(31);
  });

  it('keeps the beginning of what is longer than all its room', () => {
    const kept = cacheOf(50);
    kept.keep(row, idsOf(90), null);
    expect(kept.find(idsOf(90), null)!.tokens).toBe(48);
  });
});

const kernels = testOperators();

const open = (precision: KernelOptions['precision'] | null, maxPrefixBytes: number) =>
  goldenSampler(golden, {
    ...{ maxContext: 128, maxBatch: 4, maxRunTokens: 24, maxPrefixBytes, threads: 2 },
    ...(precision && { kernels: kernels(precision) }),
  });
const PARAMS = { ...PLAIN_SAMPLING, maxNewTokens: 20, minNewTokens: 20, seed: 5 };

/** Four turns: each prompt is the sequence before, and something new. */
async function chat(sampler: OnnxSampler) {
  const completions = [];
  let promptIds: readonly number[] = idsOf(21);
  for (const [turn, length] of [5, 1, 3, 4].entries()) {
    const [completion] = await sampler.generate([{ id: `turn ${turn}`, promptIds, n: 1 }], PARAMS);
    completions.push(completion!);
    promptIds = [...promptIds, ...completion!.ids, ...idsOf(length)];
  }
  return completions;
}

const PRECISIONS = ['float32', 'bfloat16', 'int8', 'int8_weight_only', 'int4_weight_only'] as const;

describe('a chat', () => {
  it.each(PRECISIONS)(
    'has the same bits with and without, by our operators in %s',
    async (precision) => {
      const [without, sampler] = [await open(precision, 0), await open(precision, 1e6)];
      for (const adapter of [null, goldenAdapter(golden)]) {
        for (const one of [without, sampler]) one.setAdapter(adapter);
        const [expected, completions] = [await chat(without), await chat(sampler)];
        for (const [i, { ids, logprobs }] of completions.entries()) {
          expect(ids).toEqual(expected[i]!.ids);
          expect(logprobs).toEqual(expected[i]!.logprobs);
        }
        // All but the newest token of a sequence has been computed.
        const lengths = completions.map(({ promptIds, ids }) => promptIds.length + ids.length - 1);
        expect(completions.map(({ cachedTokens }) => cachedTokens)).toEqual([
          0,
          ...lengths.slice(0, 3),
        ]);
        expect(expected[1]!.cachedTokens).toBeUndefined();
      }
      for (const one of [without, sampler]) one.dispose();
    },
  );

  it('has the same tokens by ONNX Runtime, and log-probabilities up to their last bits', async () => {
    const [without, sampler] = [await open(null, 0), await open(null, 1e6)];
    for (const one of [without, sampler]) one.setAdapter(goldenAdapter(golden));
    const [expected, completions] = [await chat(without), await chat(sampler)];
    for (const [i, { ids, logprobs, cachedTokens }] of completions.entries()) {
      expect(ids).toEqual(expected[i]!.ids);
      for (const [t, x] of logprobs.entries()) expect(x).toBeCloseTo(expected[i]!.logprobs[t]!, 5);
      if (i > 0) expect(cachedTokens).toBeGreaterThanOrEqual(40);
    }
    // A single token is left: its row is not alone in the run.
    const { promptIds } = completions[3]!;
    const [again] = await sampler.generate([{ id: 'turn 3', promptIds, n: 1 }], PARAMS);
    expect(again!.ids).toEqual(expected[3]!.ids);
    expect(again!.cachedTokens).toBe(promptIds.length - 1);
    for (const one of [without, sampler]) one.dispose();
  });
});

describe('what is kept', () => {
  it('belongs to the adapter, and goes with the weights', async () => {
    const sampler = await open('float32', 1e6);
    const ask = async () => {
      const [one] = await sampler.generate([{ id: 'a', promptIds: idsOf(21), n: 1 }], PARAMS);
      return one!.cachedTokens;
    };
    expect(await ask()).toBe(0);
    expect(await ask()).toBe(20);
    sampler.setAdapter(goldenAdapter(golden));
    expect(await ask()).toBe(0);
    sampler.setAdapter(null);
    expect(await ask()).toBe(20);
    await sampler.reloadWeights(goldenWeights(golden), 'other');
    expect(await ask()).toBe(0);
    sampler.dispose();
  });

  it('serves some requests of a call, the others are computed together', async () => {
    const [without, sampler] = [await open('float32', 0), await open('float32', 1e6)];
    const first = { id: 'first', promptIds: idsOf(30), n: 2 };
    await sampler.generate([first], PARAMS);
    const others = [9, 12, 31, 17, 33].map((length, i) => ({
      id: `${i}`,
      promptIds: idsOf(length, i % 2 === 0 ? 1 : length),
      n: 2,
    }));
    const [expected, completions] = [
      await without.generate(others, PARAMS),
      await sampler.generate(others, PARAMS),
    ];
    expect(completions.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
    expect(completions.map(({ logprobs }) => logprobs)).toEqual(
      expected.map(({ logprobs }) => logprobs),
    );
    const cached = completions.filter(({ sampleIndex }) => sampleIndex === 0);
    expect(cached.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 0, 16, 0]);
    for (const one of [without, sampler]) one.dispose();
  });

  it('is there of an answer that was stopped', async () => {
    const sampler = await open('float32', 1e6);
    const stop = new AbortController();
    const [cut] = await sampler.generate([{ id: 'a', promptIds: idsOf(21), n: 1 }], PARAMS, {
      signal: stop.signal,
      onToken: () => stop.abort(),
    });
    expect(cut!.finishReason).toBe('aborted');
    const promptIds = [...idsOf(21), ...cut!.ids, 3];
    const [next] = await sampler.generate([{ id: 'b', promptIds, n: 1 }], PARAMS);
    expect(next!.cachedTokens).toBe(21 + cut!.ids.length - 1);
    sampler.dispose();
  });
});
