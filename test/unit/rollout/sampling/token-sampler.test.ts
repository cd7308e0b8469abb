/** Drawn tokens against distributions computed plainly, by sorting. */
import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING, type SamplingParams } from '../../../../src/rollout/index.js';
import { softmaxInto } from '../../../../src/rollout/sampling/distribution.js';
import { TokenSampler } from '../../../../src/rollout/sampling/token-sampler.js';
import { Rng } from '../../../../src/util/rng.js';
import { chiSquareTail, goodnessOfFit } from './chi-square.js';

/** A few likely tokens and many unlikely ones: the shape on which temperature acts most. */
const LOGITS = [0.2, 3.1, -0.3, 0, 0.5, 2.4, -0.6, 0.1, -0.1, 0.4, -1, 0.3, 0.7, -0.4, 0, 0.6];
const DRAWS = 20_000;

function softmax(logits: readonly number[]): number[] {
  const weights = logits.map((x) => Math.exp(x - Math.max(...logits)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** Top-k, top-p, min-p, one after the other, as their papers define them. */
function expected(params: SamplingParams, logits: readonly number[] = LOGITS): number[] {
  const p = softmax(logits.map((x) => x / params.temperature));
  let order = [...p.keys()].sort((a, b) => p[b]! - p[a]! || a - b);
  if (params.topK > 0) order = order.slice(0, params.topK);
  const total = order.reduce((sum, id) => sum + p[id]!, 0);
  let reached = 0;
  order = order.filter((id) => {
    const isIn = reached < params.topP * total;
    reached += p[id]!;
    return isIn;
  });
  order = order.filter((id) => p[id]! >= params.minP * p[order[0]!]!);
  const mass = order.reduce((sum, id) => sum + p[id]!, 0);
  return p.map((value, id) => (order.includes(id) ? value / mass : 0));
}

interface Draws {
  readonly counts: number[];
  /** Log-probability recorded for each token that occurred. */
  readonly logprobs: Map<number, number>;
}

function draw(params: SamplingParams, temperature = params.temperature): Draws {
  const sampler = new TokenSampler(params, LOGITS.length, []);
  const scores = Float32Array.from(LOGITS, (x) => x / temperature);
  const probabilities = new Float32Array(scores.length);
  softmaxInto(probabilities, scores);
  const rng = Rng.of('token-sampler', JSON.stringify(params));
  const counts = LOGITS.map(() => 0);
  const logprobs = new Map<number, number>();
  for (let i = 0; i < DRAWS; i++) {
    const id = sampler.next(scores, probabilities, { rng, count: i, seen: null, constraint: null });
    counts[id]!++;
    logprobs.set(id, sampler.logprob);
  }
  return { counts, logprobs };
}

const plain: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 1, seed: 0 };
const SETTINGS: readonly [string, Partial<SamplingParams>][] = [
  ['temperature 1', {}],
  ['temperature 0.7', { temperature: 0.7 }],
  ['temperature 1.5', { temperature: 1.5 }],
  ['top-k', { topK: 5 }],
  ['top-p', { topP: 0.8 }],
  ['min-p', { minP: 0.2 }],
  ['all of them', { temperature: 1.3, topK: 9, topP: 0.9, minP: 0.15 }],
];

describe('chi-square', () => {
  it('has the tail of the tables', () => {
    expect(chiSquareTail(31.264, 11)).toBeCloseTo(0.001, 5);
    expect(chiSquareTail(3.841, 1)).toBeCloseTo(0.05, 4);
    expect(chiSquareTail(18.307, 10)).toBeCloseTo(0.05, 4);
  });
});

describe('TokenSampler', () => {
  it.each(SETTINGS)('draws from the distribution: %s', (_, changes) => {
    const params = { ...plain, ...changes };
    const probabilities = expected(params);
    const { counts, logprobs } = draw(params);
    expect(goodnessOfFit(counts, probabilities)).toBeGreaterThan(0.001);
    for (const [id, logprob] of logprobs) {
      expect(logprob).toBeCloseTo(Math.log(probabilities[id]!), 5);
    }
  });

  it.each([
    ['plain', {}],
    ['filtered', { topK: 4 }],
  ])(
    'never draws a token of probability 0, where the others add up to less than 1: %s',
    (_, own) => {
      const sampler = new TokenSampler({ ...plain, ...own }, 6, []);
      const probabilities = Float32Array.of(0, 0.25, 0.25, 0.499, 0, 0);
      const rng = { uint32: () => 2 ** 32 - 1 } as unknown as Rng; // the largest number below 1
      const state = { rng, count: 0, seen: null, constraint: null };
      expect(sampler.next(probabilities.map(Math.log), probabilities, state)).toBe(3);
      expect(sampler.logprob).toBeGreaterThan(Math.log(0.498));
    },
  );

  it('is found out when its temperature is wrong by 5%', () => {
    const { counts } = draw(plain, 1.05);
    expect(goodnessOfFit(counts, expected(plain))).toBeLessThan(0.001);
  });

  it('takes the likeliest token when greedy, the first of equals, with its log-probability', () => {
    const sampler = new TokenSampler({ ...plain, temperature: 0 }, 4, []);
    const scores = Float32Array.of(0, 3, 3, 1);
    const probabilities = new Float32Array(4);
    softmaxInto(probabilities, scores);
    const state = { rng: Rng.of(1), count: 0, seen: null, constraint: null };
    expect(sampler.inverseTemperature).toBe(1);
    expect(sampler.next(scores, probabilities, state)).toBe(1);
    expect(sampler.logprob).toBeCloseTo(Math.log(softmax([0, 3, 3, 1])[1]!), 6);
  });

  it.each([...SETTINGS, ['greedy', { temperature: 0 }] as const])(
    'tells the likeliest: %s',
    (_, changes) => {
      const params = { ...plain, ...changes };
      const probabilities = expected({ ...params, temperature: params.temperature || 1 });
      const sampler = new TokenSampler(params, LOGITS.length, []);
      const scores = Float32Array.from(LOGITS, (x) => x * sampler.inverseTemperature);
      const weights = new Float32Array(scores.length);
      softmaxInto(weights, scores);
      sampler.next(scores, weights, { rng: Rng.of(1), count: 0, seen: null, constraint: null });
      const possible = [...probabilities.keys()].filter((id) => probabilities[id]! > 0);
      const order = possible.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
      const told = sampler.likeliest(4);
      expect(told.map(({ id }) => id)).toEqual(order.slice(0, 4));
      for (const { id, logprob } of told) {
        expect(logprob).toBeCloseTo(Math.log(probabilities[id]!), 5);
      }
      expect(sampler.likeliest(20).map(({ id }) => id)).toEqual(order);
    },
  );

  interface Drawing {
    readonly scores: Float32Array;
    readonly probabilities: Float32Array;
    /** Tokens before. */
    readonly count: number;
  }

  /** The tokens that 200 draws give, each with its log-probability. */
  function drawn(sampler: TokenSampler, { scores, probabilities, count }: Drawing) {
    const state = { rng: Rng.of('drawn'), count, seen: null, constraint: null };
    const draw = () => [sampler.next(scores, probabilities, state), sampler.logprob] as const;
    return new Map(Array.from({ length: 200 }, draw));
  }

  it('holds back the end of text and shares its probability out', () => {
    const params = { ...plain, minNewTokens: 2 };
    const sampler = new TokenSampler(params, 3, [0]);
    const probabilities = Float32Array.of(0.5, 0.125, 0.375);
    const scores = probabilities.map(Math.log);
    const seen = drawn(sampler, { scores, probabilities, count: 1 });
    expect([...seen.keys()].sort()).toEqual([1, 2]);
    expect(seen.get(1)).toBeCloseTo(Math.log(0.25), 6);
    expect(seen.get(2)).toBeCloseTo(Math.log(0.75), 6);
    const later = drawn(sampler, { scores, probabilities, count: 2 });
    expect(later.get(0)).toBeCloseTo(Math.log(0.5), 6);
  });

  it('works from the scores when the end of text has all the probability there is', () => {
    const sampler = new TokenSampler({ ...plain, minNewTokens: 1 }, 3, [0]);
    const scores = Float32Array.of(200, 0, Math.log(3));
    const probabilities = Float32Array.of(1, 0, 0);
    const seen = drawn(sampler, { scores, probabilities, count: 0 });
    expect(seen.get(1)).toBeCloseTo(Math.log(0.25), 6);
    expect(seen.get(2)).toBeCloseTo(Math.log(0.75), 6);
    expect(seen.has(0)).toBe(false);
  });

  it.each([{}, { temperature: 0 }, { topK: 2 }, { topP: 0.5 }, { minNewTokens: 1 }])(
    'throws when there are no probabilities: %j',
    (changes) => {
      const sampler = new TokenSampler({ ...plain, ...changes }, 3, [0]);
      const broken = new Float32Array(3).fill(Number.NaN);
      const state = { rng: Rng.of(1), count: 0, seen: null, constraint: null };
      expect(() => sampler.next(broken, broken, state)).toThrow('the logits of the model are not');
    },
  );

  it('penalises tokens seen: positive scores divided, negative multiplied', () => {
    const sampler = new TokenSampler({ ...plain, repetitionPenalty: 2, temperature: 0 }, 3, []);
    const scores = Float32Array.of(3, 2, -1);
    const probabilities = new Float32Array(3);
    softmaxInto(probabilities, scores);
    const state = { rng: Rng.of(1), count: 0, seen: new Set([0, 2]), constraint: null };
    expect(sampler.next(scores, probabilities, state)).toBe(1);
    expect(sampler.logprob).toBeCloseTo(Math.log(softmax([1.5, 2, -2])[1]!), 6);
    expect([...scores]).toEqual([3, 2, -1]);
  });
});

describe('a softmax whose sum was lost in float32', () => {
  // ONNX Runtime's kernel gives 262,144 equal scores probabilities that add up to 1 - 1.5e-4.
  const vocabSize = 262_144;
  const scores = new Float32Array(vocabSize);
  const probabilities = new Float32Array(vocabSize).fill((1 - 1.5e-4) / vocabSize);
  const exact = -Math.log(vocabSize);
  const state = { rng: Rng.of('mass'), count: 0, seen: null, constraint: null };

  it.each<[string, Partial<SamplingParams>]>([
    ['plain', {}],
    ['greedy', { temperature: 0 }],
    ['filtered', { minP: 0.5 }],
  ])('%s: the logarithms are those of the scores', (_, change) => {
    const sampler = new TokenSampler({ ...plain, ...change }, vocabSize, []);
    sampler.next(scores, probabilities, state);
    expect(sampler.logprob).toBeCloseTo(exact, 7);
    expect(sampler.policyLogprob).toBeCloseTo(exact, 7);
    expect(sampler.likeliest(1)[0]!.logprob).toBeCloseTo(exact, 6);
  });

  it('a random number beyond the sum draws no token for want of others', () => {
    const last = { uint32: () => 2 ** 32 - 1 } as unknown as Rng;
    const row = Float32Array.of(0.5, 0.4999, 1e-30);
    const sampler = new TokenSampler(plain, 3, []);
    const likelihoods = Float32Array.of(0, Math.log(0.4999 / 0.5), -68);
    expect(sampler.next(likelihoods, row, { ...state, rng: last })).toBe(1);
  });
});
