import { describe, expect, it } from 'vitest';
import { checkVersion } from '../../../src/rollout/index.js';
import { GuardError } from '../../../src/util/errors.js';

const from = (adapter: string | null) => ({ requestId: '3', adapter });

describe('checkVersion', () => {
  it('takes completions of the version that was asked for', () => {
    expect(() => checkVersion(from('a'), 'a')).not.toThrow();
    expect(() => checkVersion(from(null), null)).not.toThrow();
  });

  it.each([
    ['b', 'a', 'prompt 3: the sampler answered with weights b, expected a'],
    [null, 'a', 'answered with weights of the base, expected a'],
    ['a', null, 'answered with weights a, expected those of the base'],
  ])('refuses %j for %j', (found, expected, message) => {
    expect(() => checkVersion(from(found), expected)).toThrow(GuardError);
    expect(() => checkVersion(from(found), expected)).toThrow(message);
  });
});
