/** Tokens as they come, requests that join a call at work, parameters and ends of their own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import {
  checkRequests,
  PLAIN_SAMPLING,
  type SamplingParams,
  type StreamRequest,
  type StreamToken,
} from '../../../../src/rollout/index.js';
import { goldenCase, goldenSpec, letterTokenizer } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const PARAMS: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 20, minNewTokens: 20, seed: 3 };

let sampler: OnnxSampler;
beforeAll(async () => {
  sampler = await goldenSampler(golden, { loraModules: [], maxContext: 96, maxBatch: 4 });
});
afterAll(() => sampler.dispose());

const request = (i: number, changes: Partial<StreamRequest> = {}): StreamRequest => ({
  id: `r${i}`,
  promptIds: Array.from({ length: 2 + ((5 * i) % 17) }, (_, t) => (7 * i + 3 * t) % spec.vocabSize),
  n: 1,
  ...changes,
});

describe('tokens', () => {
  it('are told as they are drawn, with their log-probabilities', async () => {
    const told = new Map<string, StreamToken[]>();
    const completions = await sampler.generate([request(1, { n: 3 }), request(2)], PARAMS, {
      onToken: (token) => {
        const key = `${token.requestId}/${token.sampleIndex}`;
        told.set(key, [...(told.get(key) ?? []), token]);
      },
    });
    expect(completions.length).toBe(4);
    for (const { requestId, sampleIndex, ids, logprobs } of completions) {
      const tokens = told.get(`${requestId}/${sampleIndex}`)!;
      expect(tokens.map(({ id }) => id)).toEqual(ids);
      expect(Float32Array.from(tokens, ({ logprob }) => logprob)).toEqual(logprobs);
    }
  });
});

const MIXED: readonly Partial<SamplingParams>[] = [
  { temperature: 0 },
  { temperature: 0.6, topK: 9 },
  { temperature: 1.7, topP: 0.8, maxNewTokens: 31 },
  { repetitionPenalty: 1.5, minNewTokens: 0 },
  { logitBias: new Map([[4, 3]]), minP: 0.05 },
  { stopIds: [9], minNewTokens: 0 },
];

/** Each request with parameters of its own. */
const mixed = MIXED.map((changes, i) => request(i, { params: { ...PARAMS, ...changes } }));

describe('requests with parameters of their own', () => {
  it('draw from the whole vocabulary of a model that has more than its tokenizer', async () => {
    const tokenizer = { ...letterTokenizer(golden.eos), vocabSize: 5 };
    const other = await goldenSampler(golden, { tokenizer, loraModules: [], maxContext: 96 });
    const changed = await other.generate(mixed, PARAMS);
    other.dispose();
    const all = await sampler.generate(mixed, PARAMS);
    expect(changed.map(({ ids }) => ids)).toEqual(all.map(({ ids }) => ids));
  });

  it('come out in one call as each does in a call with these parameters', async () => {
    const together = await sampler.generate(mixed, PARAMS);
    for (const [i, { params, ...plain }] of mixed.entries()) {
      const [alone] = await sampler.generate([plain], params!);
      expect(together[i]!.ids, `request ${i}`).toEqual(alone!.ids);
      expect(together[i]!.logprobs).toEqual(alone!.logprobs);
    }
  });

  it('are checked', () => {
    const limits = { vocabSize: spec.vocabSize, maxContext: 96 };
    expect(() => checkRequests(mixed, limits)).not.toThrow();
    const bad = request(0, { params: { ...PARAMS, topP: 2 } });
    expect(() => checkRequests([bad], limits)).toThrow(/top_p: 2 is not above 0 and at most 1/);
  });
});

describe('arrivals', () => {
  it('join the call at work, and come out as they do alone', async () => {
    const late = mixed.slice(1);
    let steps = 0;
    const order: string[] = [];
    const completions = await sampler.generate(mixed.slice(0, 1), PARAMS, {
      onToken: ({ requestId }) => order.push(requestId),
      arrivals: () => (steps++ % 3 === 2 ? late.splice(0, 1) : []),
    });
    expect(completions.length).toBe(1);
    const all = await sampler.generate(mixed, PARAMS);
    expect(completions[0]!.ids).toEqual(all[0]!.ids);
    // Neither waited for the other's end.
    expect(order.indexOf('r1')).toBeLessThan(order.lastIndexOf('r0'));
    expect(late.length).toBeLessThan(5);
  });

  it('all end, also when one comes as the last is done', async () => {
    const done = new Map<string, readonly number[]>();
    const late = mixed.slice(1);
    await sampler.generate(mixed.slice(0, 1), PARAMS, {
      onCompletion: ({ requestId, ids }) => done.set(requestId, ids),
      arrivals: () => (done.size === mixed.length - late.length ? late.splice(0, 1) : []),
    });
    const all = await sampler.generate(mixed, PARAMS);
    expect([...done]).toEqual(all.map(({ requestId, ids }) => [requestId, ids]));
  });
});

describe('an end of its own', () => {
  it('ends one request, at work or waiting, and no other', async () => {
    const [working, waiting] = [new AbortController(), new AbortController()];
    const like = (i: number, changes: Partial<StreamRequest> = {}) =>
      request(i, { promptIds: [1 + i, 3, 5], ...changes });
    const requests = [
      like(0, { signal: working.signal }),
      ...[1, 2, 3].map((i) => like(i)),
      ...[4, 5].map((i) => like(i, { signal: waiting.signal, n: 2 })),
    ];
    let tokens = 0;
    const completions = await sampler.generate(requests, PARAMS, {
      onToken: ({ requestId }) => {
        if (requestId !== 'r0' || ++tokens !== 5) return;
        working.abort();
        waiting.abort();
      },
    });
    const whole = await sampler.generate(
      [0, 1, 2, 3].map((i) => like(i)),
      PARAMS,
    );
    expect(completions.map(({ finishReason }) => finishReason)).toEqual([
      ...['aborted', 'length', 'length', 'length'],
      ...Array<string>(4).fill('aborted'),
    ]);
    expect(completions[0]!.ids).toEqual(whole[0]!.ids.slice(0, 5));
    for (const i of [1, 2, 3]) expect(completions[i]!.ids).toEqual(whole[i]!.ids);
  });
});
