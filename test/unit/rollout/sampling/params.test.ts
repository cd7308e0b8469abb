import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { checkSamplingParams } from '../../../../src/rollout/sampling/params.js';
import { InputError } from '../../../../src/util/errors.js';

const GOOD = { ...PLAIN_SAMPLING, maxNewTokens: 8, seed: 1 };

describe('checkSamplingParams', () => {
  it.each([
    [{}],
    [{ temperature: 0, topK: 1, topP: 1e-6, minP: 0.99, repetitionPenalty: 0.5 }],
    [{ temperature: 1e-4, repetitionPenalty: 0.01 }],
    [{ minNewTokens: 8, stopStrings: ['\n'], seed: -3 }],
    [{ stopIds: [49], logitBias: new Map([[0, -100]]) }],
  ])('accepts %j', (changes) => {
    expect(() => checkSamplingParams({ ...GOOD, ...changes }, 50)).not.toThrow();
  });

  it.each([
    [{ temperature: -0.1 }, 'temperature: -0.1'],
    [{ temperature: 1e-40 }, 'temperature: 1e-40 is not 0 (greedy) or a number of at least 0.0001'],
    [{ repetitionPenalty: 1e-300 }, 'repetition_penalty: 1e-300 is not from 0.01 to 100'],
    [{ temperature: Number.NaN }, 'temperature: NaN'],
    [{ topK: 1.5 }, 'top_k: 1.5'],
    [{ topP: 0 }, 'top_p: 0'],
    [{ topP: 1.01 }, 'top_p: 1.01'],
    [{ minP: 1 }, 'min_p: 1'],
    [{ repetitionPenalty: 0 }, 'repetition_penalty: 0'],
    [{ maxNewTokens: 0 }, 'max_new_tokens: 0'],
    [{ minNewTokens: 9 }, 'min_new_tokens: 9 is more than the 8 tokens'],
    [{ seed: 0.5 }, 'seed: 0.5'],
    [{ stopStrings: ['a', ''] }, 'stop: an empty'],
    [{ stopIds: [3, 50] }, 'stop_tokens: the model has no token 50'],
    [{ logitBias: new Map([[-1, 1]]) }, 'logit_bias: the model has no token -1'],
    [{ logitBias: new Map([[1, Number.NaN]]) }, 'logit_bias: NaN for token 1'],
  ])('refuses %j', (changes, message) => {
    const check = () => checkSamplingParams({ ...GOOD, ...changes }, 50);
    expect(check).toThrow(InputError);
    expect(check).toThrow(message);
  });
});
