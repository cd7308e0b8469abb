/** Length limits: what is cut, dropped or refused, and the counts. */
import { describe, expect, it } from 'vitest';
import { limitLengths } from '../../../src/data/index.js';

const example = (length: number, trainedFrom: number, name: string) => ({
  ids: Array.from({ length }, (_, i) => i),
  trained: Array.from({ length }, (_, i) => i >= trainedFrom),
  name,
});

const examples = [example(3, 1, 'short'), example(6, 2, 'cut'), example(6, 4, 'prompt only')];

describe('limitLengths', () => {
  it('keeps the beginning, and leaves out what has nothing to train', () => {
    const limited = limitLengths(examples, { maxLength: 4, policy: 'truncate' });
    expect(limited).toEqual({
      examples: [
        { example: examples[0], index: 0 },
        {
          example: { ids: [0, 1, 2, 3], trained: [false, false, true, true], name: 'cut' },
          index: 1,
        },
      ],
      truncated: 2,
      dropped: 0,
      untrained: 1,
    });
  });

  it('drops', () => {
    const limited = limitLengths(examples, { maxLength: 4, policy: 'drop' });
    expect(limited.examples.map(({ index }) => index)).toEqual([0]);
    expect(limited).toMatchObject({ truncated: 0, dropped: 2, untrained: 0 });
  });

  it('refuses by name, and takes what just fits', () => {
    const where = (index: number) => `rows.jsonl:${index + 1}`;
    expect(() => limitLengths(examples, { maxLength: 5, policy: 'error', where })).toThrow(
      'rows.jsonl:2: 6 tokens are more than max_length=5',
    );
    expect(limitLengths(examples, { maxLength: 6, policy: 'error' }).examples.length).toBe(3);
  });

  it('does not count the first token, which nothing predicts', () => {
    const only = { ids: [1, 2], trained: [true, false] };
    expect(limitLengths([only], { maxLength: 9, policy: 'error' })).toMatchObject({
      examples: [],
      untrained: 1,
    });
  });
});
