/** Edit distance by hand, and the nearest of several names. */
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../../src/util/nearest.js';

describe('editDistance', () => {
  it('counts insertions, deletions and substitutions', () => {
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('abc', '')).toBe(3);
    expect(editDistance('seed', 'seed')).toBe(0);
    // kitten → sitten → sittin → sitting
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('lerning_rate', 'learning_rate')).toBe(1);
  });
});

describe('nearest', () => {
  it('takes the least share of changed characters, the first of equals, or nothing', () => {
    expect(nearest('sfd', ['dpo', 'sft', 'score'])).toBe('sft');
    // 5 of 5 characters differ from r, 5 of 10 from lora_alpha
    expect(nearest('alpha', ['r', 'lora_alpha'])).toBe('lora_alpha');
    expect(nearest('ba', ['ca', 'da'])).toBe('ca');
    expect(nearest('b', [])).toBeUndefined();
  });
  it('takes none when most characters differ, unless one name holds the other', () => {
    // rewards → trewards → threwards … : 4 of 7 differ
    expect(nearest('rewards', ['threads', 'seed'])).toBeUndefined();
    // 9 of 17 are missing
    expect(nearest('lr_sched', ['lr_scheduler_type', 'seed'])).toBe('lr_scheduler_type');
  });
});
