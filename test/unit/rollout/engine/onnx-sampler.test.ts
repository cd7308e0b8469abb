/** The engine on a small random model: independence, scheduling, ends, errors. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import {
  type Completion,
  type OnnxSamplerOptions,
  PLAIN_SAMPLING,
  type PromptRequest,
  type SamplingParams,
} from '../../../../src/rollout/index.js';
import { InputError, RunError } from '../../../../src/util/errors.js';
import { adapterHash } from '../../../../src/weights/index.js';
import {
  goldenAdapter,
  goldenCase,
  goldenSpec,
  goldenWeights,
  letterTokenizer,
} from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const adapter = goldenAdapter(golden);
const PARAMS: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 24, seed: 11 };

const create = (changes: Partial<OnnxSamplerOptions> = {}) =>
  goldenSampler(golden, { maxContext: 128, ...changes });

function prompt(i: number): number[] {
  return Array.from({ length: 1 + ((i * 7) % 40) }, (_, j) => (i * 31 + j * 17) % spec.vocabSize);
}

function request(i: number, n = 1): PromptRequest {
  return { id: `prompt ${i}`, promptIds: prompt(i), n };
}

const requests = (count: number, n = 1) => Array.from({ length: count }, (_, i) => request(i, n));
const textOf = ({ requestId, sampleIndex, ids }: Completion) =>
  `${requestId}/${sampleIndex}: ${ids.join(' ')}`;

function hasAvx512(): boolean {
  return process.platform === 'linux' && readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f');
}

let sampler: OnnxSampler;
beforeAll(async () => {
  sampler = await create();
});
afterAll(() => sampler.dispose());
beforeEach(() => {
  sampler.setAdapter(adapter);
});

describe('independence', () => {
  it.each<Partial<SamplingParams>>([
    {},
    { temperature: 0.8, topK: 30, topP: 0.9, minP: 0.02, repetitionPenalty: 1.3 },
    { minNewTokens: 4, stopStrings: [letterTokenizer(null).decode([7])], stopIds: [12] },
  ])('gives the same alone, in a batch of 64 and in another order: %j', async (changes) => {
    const params = { ...PARAMS, ...changes };
    const together = await sampler.generate(requests(64), params);
    const reordered = await sampler.generate(requests(64).reverse(), params);
    expect(reordered.reverse().map(textOf)).toEqual(together.map(textOf));
    for (const i of [0, 1, 5, 16, 33, 56, 63]) {
      const [alone] = await sampler.generate([request(i)], params);
      expect(alone!.ids).toEqual(together[i]!.ids);
      for (const [t, logprob] of together[i]!.logprobs.entries()) {
        expect(alone!.logprobs[t]).toBeCloseTo(logprob, 5);
      }
    }
  });

  // The kernels of other instruction sets were not looked at that closely.
  it.skipIf(!hasAvx512())('is exact to the last bit on AVX-512', async () => {
    const together = await sampler.generate(requests(64), PARAMS);
    for (const [i, { logprobs }] of together.entries()) {
      const [alone] = await sampler.generate([request(i)], PARAMS);
      expect(alone!.logprobs).toEqual(logprobs);
    }
  });

  it('gives the same whatever the number of slots and the cache budget', async () => {
    const reference = await sampler.generate(requests(10, 3), PARAMS);
    for (const changes of [{ maxBatch: 1 }, { maxBatch: 7 }, { maxCacheBytes: 200_000 }]) {
      const small = await create(changes);
      small.setAdapter(adapter);
      const completions = await small.generate(requests(10, 3), PARAMS);
      expect(completions.map(textOf)).toEqual(reference.map(textOf));
      small.dispose();
    }
  });

  it('has other samples for other seeds, indices and ids, the same for the same seed of a request', async () => {
    const of = async (changes: Partial<PromptRequest>, seed = 11) =>
      sampler.generate([{ ...request(3), ...changes }], { ...PARAMS, seed });
    const [first, second] = await of({ n: 2 });
    expect(first!.ids).not.toEqual(second!.ids);
    expect((await of({}, 12))[0]!.ids).not.toEqual(first!.ids);
    expect((await of({ id: 'other' }))[0]!.ids).not.toEqual(first!.ids);
    const [seeded] = await of({ seed: 5 });
    expect((await of({ id: 'other', seed: 5 }, 99))[0]!.ids).toEqual(seeded!.ids);
  });
});

describe('generate', () => {
  it('returns completions in order and reports each as it ends', async () => {
    const seen: Completion[] = [];
    const completions = await sampler.generate(requests(5, 4), PARAMS, {
      onCompletion: (completion) => seen.push(completion),
    });
    expect(completions.map(({ requestId, sampleIndex }) => [requestId, sampleIndex])).toEqual(
      requests(5).flatMap(({ id }) => [0, 1, 2, 3].map((index) => [id, index])),
    );
    expect(new Set(seen)).toEqual(new Set(completions));
    for (const { promptIds, requestId, ids, logprobs, seconds } of completions) {
      expect(promptIds).toEqual(requests(5).find(({ id }) => id === requestId)!.promptIds);
      expect(logprobs.length).toBe(ids.length);
      expect(Math.max(...logprobs)).toBeLessThanOrEqual(0);
      expect(seconds).toBeGreaterThan(0);
    }
  });

  it('ends at the end of text, which is in the ids but not in the text', async () => {
    const completions = await sampler.generate(requests(64), PARAMS);
    const stopped = completions.filter(({ finishReason }) => finishReason === 'stop');
    expect(stopped.length).toBeGreaterThan(3);
    expect(completions.length - stopped.length).toBeGreaterThan(3);
    for (const { ids, text, finishReason } of completions) {
      const end = ids.indexOf(golden.eos);
      expect(end).toBe(finishReason === 'stop' ? ids.length - 1 : -1);
      if (finishReason === 'length') expect(ids.length).toBe(PARAMS.maxNewTokens);
      const spoken = ids.filter((id) => id !== golden.eos);
      expect(text).toBe(letterTokenizer(null).decode(spoken));
    }
  });

  it('holds back the end of text for as long as asked', async () => {
    const params = { ...PARAMS, minNewTokens: 24 };
    const completions = await sampler.generate(requests(32), params);
    expect(completions.map(({ ids }) => ids.length)).toEqual(requests(32).map(() => 24));
    expect(completions.every(({ finishReason }) => finishReason === 'length')).toBe(true);
  });

  it('cuts the text before a stop string and keeps the ids', async () => {
    const [free] = await sampler.generate([request(4)], PARAMS);
    const stop = free!.text.slice(5, 7);
    const at = free!.text.indexOf(stop);
    const [cut] = await sampler.generate([request(4)], { ...PARAMS, stopStrings: [stop] });
    expect(cut!.finishReason).toBe('stop');
    expect(cut!.text).toBe(free!.text.slice(0, at));
    expect(cut!.ids).toEqual(free!.ids.slice(0, at + 2));
  });

  it('ends where the context does', async () => {
    const promptIds = Array.from({ length: 124 }, (_, i) => i % spec.vocabSize);
    const params = { ...PARAMS, minNewTokens: 8, seed: 1 };
    const [completion] = await sampler.generate([{ id: 'long', promptIds, n: 1 }], params);
    expect(completion!.ids.length).toBe(4);
    expect(completion!.finishReason).toBe('length');
  });

  it('takes one token, none at all of no requests', async () => {
    const one = await sampler.generate(requests(3, 2), { ...PARAMS, maxNewTokens: 1 });
    expect(one.map(({ ids }) => ids.length)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await sampler.generate([], PARAMS)).toEqual([]);
  });

  it('stops for a signal and hands over what there is', async () => {
    const abort = new AbortController();
    const slow = await create({ maxBatch: 4 });
    let finished = 0;
    const completions = await slow.generate(requests(12), PARAMS, {
      signal: abort.signal,
      onCompletion: () => {
        if (++finished === 2) abort.abort();
      },
    });
    expect(completions.length).toBe(12);
    const aborted = completions.filter(({ finishReason }) => finishReason === 'aborted');
    expect(aborted.length).toBeGreaterThanOrEqual(8);
    expect(completions.some(({ finishReason }) => finishReason !== 'aborted')).toBe(true);
    const reference = await slow.generate(requests(12), PARAMS);
    for (const [i, { ids }] of completions.entries()) {
      expect(ids).toEqual(reference[i]!.ids.slice(0, ids.length));
    }
    slow.dispose();
  });

  it('computes long prompts in pieces with the same result', async () => {
    const pieces = await create({ maxRunTokens: 7 });
    pieces.setAdapter(adapter);
    const greedy = { ...PARAMS, temperature: 0 };
    const reference = await sampler.generate(requests(8), greedy);
    const completions = await pieces.generate(requests(8), greedy);
    expect(completions.map(textOf)).toEqual(reference.map(textOf));
    const sequences = reference.map(({ promptIds, ids }) => [...promptIds, ...ids]);
    const [whole, cut] = [await sampler.score(sequences), await pieces.score(sequences)];
    for (const [i, logprobs] of whole.entries()) {
      for (const [t, logprob] of logprobs.entries()) expect(cut[i]![t]).toBeCloseTo(logprob, 5);
    }
    pieces.dispose();
  });
});

describe('parts of a group', () => {
  it('are those of the whole group', async () => {
    const whole = await sampler.generate(requests(3, 4), PARAMS);
    const some = requests(3).map((each) => ({ ...each, n: 2, samples: [3, 1] }));
    const completions = await sampler.generate(some, PARAMS);
    const wanted = whole.filter(({ sampleIndex }) => sampleIndex % 2 === 1);
    expect(completions.map(textOf)).toEqual(wanted.map(textOf));
    const twice = { ...request(0), n: 2, samples: [1, 1] };
    await expect(sampler.generate([twice], PARAMS)).rejects.toThrow('samples 1, 1 are not 2');
  });
});

describe('score', () => {
  it('equals the log-probabilities recorded while sampling at temperature 1', async () => {
    const completions = await sampler.generate(requests(20), PARAMS);
    const scores = await sampler.score(completions.map((c) => [...c.promptIds, ...c.ids]));
    for (const [i, { promptIds, logprobs }] of completions.entries()) {
      const own = scores[i]!.subarray(promptIds.length - 1);
      expect(own.length).toBe(logprobs.length);
      for (const [t, logprob] of logprobs.entries()) expect(own[t]).toBeCloseTo(logprob, 5);
    }
  });

  it('has nothing to say of a single token', async () => {
    expect(await sampler.score([[3]])).toEqual([new Float32Array(0)]);
    expect(await sampler.score([])).toEqual([]);
  });
});

describe('adapter', () => {
  it('changes what is sampled and stands in every completion', async () => {
    const withAdapter = await sampler.generate(requests(8), PARAMS);
    expect(sampler.setAdapter(null).hash).toBe(null);
    const without = await sampler.generate(requests(8), PARAMS);
    expect(without.map(textOf)).not.toEqual(withAdapter.map(textOf));
    expect(without.every((completion) => completion.adapter === null)).toBe(true);
    const expected = adapterHash(adapter);
    expect(sampler.setAdapter(adapter).hash).toBe(expected);
    expect(sampler.adapterHash).toBe(expected);
    expect(withAdapter.every((completion) => completion.adapter === expected)).toBe(true);
    const again = await sampler.generate(requests(8), PARAMS);
    expect(again.map(textOf)).toEqual(withAdapter.map(textOf));
  });

  it('does not change while completions are sampled', async () => {
    const running = sampler.generate(requests(4), PARAMS);
    expect(() => sampler.setAdapter(null)).toThrow(RunError);
    await running;
    expect(() => sampler.setAdapter(null)).not.toThrow();
  });
});

describe('reloadWeights', () => {
  it('samples from the new weights under their version', async () => {
    const other = { ...golden, case: 'llama, other weights' };
    const fresh = await create({ weights: goldenWeights(other, spec) });
    const expected = await fresh.generate(requests(6), PARAMS);
    fresh.dispose();
    const changing = await create();
    const before = await changing.generate(requests(6), PARAMS);
    const { hash } = await changing.reloadWeights(goldenWeights(other, spec), 'v2');
    expect(hash).toBe('v2');
    const after = await changing.generate(requests(6), PARAMS);
    expect(after.map(textOf)).toEqual(expected.map(textOf));
    expect(after.map(textOf)).not.toEqual(before.map(textOf));
    expect(after.map((completion) => completion.adapter)).toEqual(requests(6).map(() => 'v2'));
    changing.dispose();
  });

  it('keeps the former weights when the new ones cannot be written', async () => {
    const changing = await create();
    const before = await changing.generate(requests(2), PARAMS);
    const broken = () => {
      throw new InputError('the file is cut short');
    };
    await expect(changing.reloadWeights(broken, 'v2')).rejects.toThrow('the file is cut short');
    expect(changing.adapterHash).toBeNull();
    expect((await changing.generate(requests(2), PARAMS)).map(textOf)).toEqual(before.map(textOf));
    changing.dispose();
  });

  it('has none after new ones were refused, says so, and takes others', async () => {
    const changing = await create();
    const before = await changing.generate(requests(2), PARAMS);
    const refused = { model: Uint8Array.of(1, 2, 3), dataFolder: null };
    await expect(changing.reloadWeights(refused, 'v2')).rejects.toThrow(/CreateSession/);
    for (const call of [changing.generate(requests(1), PARAMS), changing.score([[1, 2]])]) {
      await expect(call).rejects.toThrow(/^rollouts: the sampler has no weights/);
    }
    changing.setAdapter(adapter);
    changing.setAdapter(null);
    await changing.reloadWeights(goldenWeights(golden), 'v3');
    expect((await changing.generate(requests(2), PARAMS)).map(textOf)).toEqual(before.map(textOf));
    changing.dispose();
  });
});

describe('bad input', () => {
  it.each([
    ['an empty prompt', { promptIds: [] }, 'request r: the prompt is empty'],
    ['an id outside of the vocabulary', { promptIds: [1, 97] }, 'request r: token id 97'],
    ['a negative id', { promptIds: [-1] }, 'request r: token id -1'],
    ['a prompt as long as the context', { promptIds: Array(128).fill(1) }, 'has 128 tokens'],
    ['no samples', { n: 0 }, 'request r: n is 0'],
  ])('names %s', async (_, changes, message) => {
    const bad = { id: 'r', promptIds: [1], n: 1, ...changes };
    await expect(sampler.generate([bad], PARAMS)).rejects.toThrow(InputError);
    await expect(sampler.generate([bad], PARAMS)).rejects.toThrow(message);
  });

  it('names an id that occurs twice, bad parameters, and sequences that cannot be scored', async () => {
    const twice = [request(1), request(1)];
    await expect(sampler.generate(twice, PARAMS)).rejects.toThrow('the id occurs twice');
    const params = { ...PARAMS, topP: 2 };
    await expect(sampler.generate([request(1)], params)).rejects.toThrow('top_p: 2');
    await expect(sampler.score([[1], []])).rejects.toThrow('sequence 1: it is empty');
    await expect(sampler.score([Array(129).fill(1)])).rejects.toThrow('sequence 0: it has 129');
  });

  it('refuses options that do not fit the model', async () => {
    await expect(create({ maxContext: 129 })).rejects.toThrow('129 tokens, expected 2 to 128');
    await expect(create({ maxBatch: 0 })).rejects.toThrow('rollout batch: 0');
    await expect(create({ loraModules: ['lm_head'] })).rejects.toThrow('no linear "lm_head"');
  });

  it('rejects calls after dispose', async () => {
    const gone = await create();
    gone.dispose();
    gone.dispose();
    await expect(gone.generate([request(1)], PARAMS)).rejects.toThrow('disposed');
  });
});
