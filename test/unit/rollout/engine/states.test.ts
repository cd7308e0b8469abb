/** Rows with states beside keys and values: they move with their rows, and are those of a row's real tokens. */
import { describe, expect, it, test } from 'vitest';
import { KvCache } from '../../../../src/rollout/engine/kv-cache.js';
import { PrefixCache } from '../../../../src/rollout/engine/prefix-cache.js';
import {
  type KernelOptions,
  type OnnxSamplerOptions,
  PLAIN_SAMPLING,
} from '../../../../src/rollout/index.js';
import {
  goldenAdapter,
  goldenCase,
  goldenSpec,
  letterTokenizer,
  patternIds,
} from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { testOperators } from '../../../support/operators.js';

const golden = goldenCase('lfm2');
const spec = goldenSpec(golden);
const TYPE = { native: null, type: 'float32' } as const;
/** One layer has attention: keys and values of 2 heads of 16; three keep 2 inputs of 64. */
const TOKEN_BYTES = 2 * 2 * 16 * 4;
const ROW_BYTES = 3 * 2 * 64 * 4;

const idsOf = patternIds(spec);

describe('a cache', () => {
  it('has keys and values where there is attention, else a state, which moves as a whole', () => {
    const cache = new KvCache(spec);
    cache.shape({ rows: 2, capacity: 4 });
    const shapes = cache.tensors(2).map(({ shape }) => shape);
    const [state, tokens] = [
      [2, 2, 64],
      [2, 2, 4, 16],
    ];
    expect(shapes).toEqual([state, tokens, tokens, state, state]);
    for (const { data } of cache.tensors(2)) for (const i of data.keys()) data[i] = i;
    const other = new KvCache(spec);
    other.shape({ rows: 3, capacity: 8 });
    other.copyRow(cache, { fromRow: 1, toRow: 2, tokens: 1 });
    const copied = other.tensors(3)[0]!.data as Float32Array;
    expect([...copied.slice(2 * 128)]).toEqual(Array.from({ length: 128 }, (_, i) => 128 + i));
    expect(copied.slice(0, 2 * 128).every((value) => value === 0)).toBe(true);
    cache.copyRow(cache, { fromRow: 1, toRow: 0, tokens: 1 });
    expect(cache.tensors(1)[4]!.data[0]).toBe(128);
  });

  it('has states of zeros whenever it is laid out, as a gated delta rule begins with them', () => {
    const own = goldenSpec(goldenCase('qwen3_5'));
    const cache = new KvCache(own);
    cache.shape({ rows: 2, capacity: 4 });
    // Of the first layer: 3 inputs of 2 · 24 + 40 channels, and 4 heads of 12 × 10.
    const shapes = cache.tensors(2).map(({ shape }) => shape);
    expect(shapes.slice(0, 2)).toEqual([
      [2, 3, 88],
      [2, 4, 12, 10],
    ]);
    for (const { data } of cache.tensors(2)) (data as Float32Array).fill(Number.NaN);
    cache.shape({ rows: 2, capacity: 4 });
    for (const { data } of cache.tensors(2).slice(0, 2)) {
      expect((data as Float32Array).every((value) => value === 0)).toBe(true);
    }
  });
});

test.each(['webgpu', 'cuda'] as const)(
  'rollouts on %s refuse a gated delta rule',
  async (device) => {
    await expect(open({ name: 'qwen3_5', precision: null }, { device })).rejects.toThrow(
      `rollout device ${device}: the model has layers with a gated delta rule`,
    );
  },
);

describe('what is kept of sequences with states', () => {
  const row = (() => {
    const cache = new KvCache(spec);
    cache.shape({ rows: 2, capacity: 100 });
    return { cache, row: 1 };
  })();
  const cacheOf = (maxBytes: number) => new PrefixCache(spec, { type: TYPE, maxBytes });

  it('serves prompts that go on from all of it, not from a part', () => {
    const kept = cacheOf(1e6);
    kept.keep(row, idsOf(40), null);
    expect(kept.find(idsOf(41), null)!.tokens).toBe(40);
    expect(kept.find(idsOf(50, 40), null)!.tokens).toBe(40);
    expect(kept.find(idsOf(40), null)).toBeNull();
    expect(kept.find(idsOf(50, 39), null)).toBeNull();
  });

  it('holds no more than its bytes, and no beginnings', () => {
    const kept = cacheOf(48 * TOKEN_BYTES + 2 * ROW_BYTES);
    kept.keep(row, idsOf(64), null);
    expect(kept.find(idsOf(70), null)).toBeNull();
    kept.keep(row, idsOf(32), null);
    kept.keep(row, idsOf(16, 1), null);
    expect(kept.find(idsOf(33), null)!.tokens).toBe(32);
    expect(kept.find(idsOf(17, 1), null)!.tokens).toBe(16);
    const tight = cacheOf(48 * TOKEN_BYTES + 2 * ROW_BYTES - 1);
    tight.keep(row, idsOf(32), null);
    tight.keep(row, idsOf(16, 1), null);
    expect(tight.find(idsOf(33), null)).toBeNull();
    expect(tight.find(idsOf(17, 1), null)!.tokens).toBe(16);
  });
});

const kernels = testOperators();

const CASES = [golden, goldenCase('qwen3_5')];

/** A case by operators of this precision; null: ONNX Runtime's. */
interface Way {
  readonly name: string;
  readonly precision: KernelOptions['precision'] | null;
}

const WAYS: readonly Way[] = CASES.flatMap(({ case: name }) =>
  ([null, 'float32', 'bfloat16', 'int8'] as const).map((precision) => ({ name, precision })),
);

const open = ({ name, precision }: Way, more: Partial<OnnxSamplerOptions> = {}) =>
  goldenSampler(goldenCase(name), {
    ...{ tokenizer: letterTokenizer(null), maxContext: 128, threads: 2, ...more },
    ...(precision && { kernels: kernels(precision) }),
  });

const PARAMS = { ...PLAIN_SAMPLING, maxNewTokens: 20, seed: 5 };
const requests = [1, 30, 2, 17, 9, 5, 3].map((length, i) => ({
  id: String(i),
  promptIds: idsOf(length, i).map((id) => (id + 11 * i) % spec.vocabSize),
  n: 3,
  maxNewTokens: 3 + ((5 * i) % 17),
}));

describe.each(WAYS)('sampling $name by operators $precision', (way) => {
  it('gives the same alone, in few slots and in many, prompts in pieces', async () => {
    const [wide, narrow, single] = [
      await open(way),
      await open(way, { maxBatch: 3, maxRunTokens: 7 }),
      await open(way, { maxBatch: 1, maxRunTokens: 1 }),
    ];
    const adapter = goldenAdapter(goldenCase(way.name));
    for (const sampler of [wide, narrow, single]) sampler.setAdapter(adapter);
    const expected = await wide.generate(requests, PARAMS);
    for (const sampler of [narrow, single]) {
      const found = await sampler.generate(requests, PARAMS);
      expect(found.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
      for (const [i, { logprobs }] of found.entries()) {
        for (const [t, logprob] of logprobs.entries()) {
          expect(logprob).toBeCloseTo(expected[i]!.logprobs[t]!, 4);
        }
      }
    }
    const whole = expected.map(({ promptIds, ids }) => [...promptIds, ...ids]);
    const scores = await wide.score(whole);
    for (const [i, score] of (await single.score(whole)).entries()) {
      for (const [t, logprob] of score.entries()) expect(logprob).toBeCloseTo(scores[i]![t]!, 4);
    }
    for (const sampler of [wide, narrow, single]) sampler.dispose();
  });

  it('goes on from what is kept of the turn before', async () => {
    const [without, sampler] = [await open(way), await open(way, { maxPrefixBytes: 1e6 })];
    let promptIds: readonly number[] = idsOf(21);
    const cached: unknown[] = [];
    for (const [turn, length] of [5, 1, 3, 4].entries()) {
      const request = { id: `turn ${turn}`, promptIds, n: 1 };
      const [expected] = await without.generate([request], PARAMS);
      const [found] = await sampler.generate([request], PARAMS);
      expect(found!.ids).toEqual(expected!.ids);
      for (const [t, logprob] of found!.logprobs.entries()) {
        expect(logprob).toBeCloseTo(expected!.logprobs[t]!, 4);
      }
      cached.push(found!.cachedTokens);
      promptIds = [...promptIds, ...found!.ids, ...idsOf(length)];
    }
    expect(cached).toEqual([0, 40, 65, 86]);
    for (const one of [without, sampler]) one.dispose();
  });
});
