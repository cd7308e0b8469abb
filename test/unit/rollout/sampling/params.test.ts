import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { checkSamplingParams } from '../../../../src/rollout/sampling/params.js';
import { InputError } from '../../../../src/util/errors.js';

const GOOD = { ...PLAIN_SAMPLING, maxNewTokens: 8, seed: 1 };

describe('checkSamplingParams', () => {
  it.each([
    [{}],
    [{ temperature: 0, topK: 1, topP: 1e-6, minP: 0.99, repetitionPenalty: 0.5 }],
    [{ minNewTokens: 8, stopStrings: ['\n'], seed: -3 }],
    [{ stopIds: [49], logitBias: new Map([[0, -100]]) }],
  ])('accepts %j', (changes) => {
    expect(() => checkSamplingParams({ ...GOOD, ...changes }, 50)).not.toThrow();
  });

  it.each([
    [{ temperature: -0.1 }, 'sampling temperature: -0.1'],
    [{ temperature: Number.NaN }, 'sampling temperature: NaN'],
    [{ topK: 1.5 }, 'sampling topK: 1.5'],
    [{ topP: 0 }, 'sampling topP: 0'],
    [{ topP: 1.01 }, 'sampling topP: 1.01'],
    [{ minP: 1 }, 'sampling minP: 1'],
    [{ repetitionPenalty: 0 }, 'sampling repetitionPenalty: 0'],
    [{ maxNewTokens: 0 }, 'sampling maxNewTokens: 0'],
    [{ minNewTokens: 9 }, 'sampling minNewTokens: 9 is more than maxNewTokens'],
    [{ seed: 0.5 }, 'sampling seed: 0.5'],
    [{ stopStrings: ['a', ''] }, 'sampling stopStrings'],
    [{ stopIds: [3, 50] }, 'sampling stopIds: the model has no token 50'],
    [{ logitBias: new Map([[-1, 1]]) }, 'sampling logitBias: the model has no token -1'],
    [{ logitBias: new Map([[1, Number.NaN]]) }, 'sampling logitBias: NaN for token 1'],
  ])('refuses %j', (changes, message) => {
    const check = () => checkSamplingParams({ ...GOOD, ...changes }, 50);
    expect(check).toThrow(InputError);
    expect(check).toThrow(message);
  });
});
