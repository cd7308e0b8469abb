/** The distribution that a token is drawn from, against transformers (scripts/golden/processors.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING, type SamplingParams } from '../../../../src/rollout/index.js';
import { softmaxInto } from '../../../../src/rollout/sampling/distribution.js';
import { TokenSampler } from '../../../../src/rollout/sampling/token-sampler.js';
import type { ConstraintCursor } from '../../../../src/rollout/types.js';
import { Rng } from '../../../../src/util/rng.js';
import { goodnessOfFit } from './chi-square.js';

interface Case {
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
  readonly min_new_tokens?: number;
  readonly sequence_bias?: Readonly<Record<string, number>>;
  /** Ids sampled so far. */
  readonly generated?: readonly number[];
  /** The only ids that may come next. */
  readonly allowed?: readonly number[];
}

interface Golden {
  readonly prompt: readonly number[];
  readonly eos: number;
  readonly stop: number;
  readonly rows: readonly {
    readonly case: Case;
    readonly logits: readonly number[];
    readonly probabilities: readonly number[];
  }[];
}

const path = new URL('../../../fixtures/rollout/processors.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;
const DRAWS = 20_000;

function paramsOf(fields: Case): SamplingParams {
  return {
    ...PLAIN_SAMPLING,
    temperature: fields.temperature ?? 1,
    topK: fields.top_k ?? 0,
    topP: fields.top_p ?? 1,
    minP: fields.min_p ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    minNewTokens: fields.min_new_tokens ?? 0,
    maxNewTokens: 8,
    logitBias: new Map(
      Object.entries(fields.sequence_bias ?? {}).map(([id, bias]) => [Number(id), bias]),
    ),
    stopIds: [golden.stop],
    seed: 0,
  };
}

function only(ids: readonly number[] | undefined): ConstraintCursor | null {
  if (ids === undefined) return null;
  const mask = new Uint32Array(1);
  for (const id of ids) mask[0]! |= 1 << id;
  return { allowed: () => mask, push: () => undefined };
}

describe.each(golden.rows)('$case', ({ case: fields, logits, probabilities }) => {
  it('is the distribution that transformers samples from', () => {
    const params = paramsOf(fields);
    const sampler = new TokenSampler(params, logits.length, [golden.eos]);
    const scores = Float32Array.from(logits, (x) => x * sampler.inverseTemperature);
    const weights = new Float32Array(scores.length);
    softmaxInto(weights, scores);
    const { generated = [], allowed } = fields;
    const state = {
      rng: Rng.of('processors', JSON.stringify(fields)),
      count: generated.length,
      seen: params.repetitionPenalty === 1 ? null : new Set([...golden.prompt, ...generated]),
      constraint: only(allowed),
    };
    const counts = logits.map(() => 0);
    const logprobs = new Map<number, number>();
    const policy = new Map<number, number>();
    for (let i = 0; i < DRAWS; i++) {
      const id = sampler.next(scores, weights, state);
      counts[id]!++;
      logprobs.set(id, sampler.logprob);
      policy.set(id, sampler.policyLogprob);
    }
    expect(goodnessOfFit(counts, probabilities)).toBeGreaterThan(0.001);
    for (const [id, logprob] of logprobs) {
      expect(logprob).toBeCloseTo(Math.log(probabilities[id]!), 5);
    }
    // The model's own softmax at the temperature, whatever was filtered, penalised or forbidden.
    const highest = Math.max(...scores);
    const sum = scores.reduce((total, score) => total + Math.exp(score - highest), 0);
    for (const [id, logprob] of policy) {
      expect(logprob).toBeCloseTo(scores[id]! - highest - Math.log(sum), 5);
    }
    const likely = probabilities.filter((p) => p > 0.005).length;
    expect(logprobs.size).toBeGreaterThanOrEqual(likely);
  });
});

it('knows the log-probability of a token whose probability is no float32', () => {
  const sampler = new TokenSampler(paramsOf({}), 4, [2]);
  const scores = Float32Array.of(200, 0, 0, 0);
  const weights = new Float32Array(4);
  softmaxInto(weights, scores);
  const state = { rng: Rng.of(1), count: 0, seen: null, constraint: only([3]) };
  expect(sampler.next(scores, weights, state)).toBe(3);
  expect(sampler.logprob).toBe(0);
  expect(sampler.policyLogprob).toBe(-200);
});

it('lets a constraint end the text where nothing else may come', () => {
  const params = { ...paramsOf({}), minNewTokens: 5 };
  const sampler = new TokenSampler(params, 4, [2]);
  const weights = new Float32Array(4).fill(0.25);
  const state = { rng: Rng.of(1), count: 0, seen: null, constraint: only([2]) };
  expect(sampler.next(new Float32Array(4), weights, state)).toBe(2);
  expect(sampler.logprob).toBe(0);
});
