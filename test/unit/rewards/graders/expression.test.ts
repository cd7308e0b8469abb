import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../../../src/rewards/graders/expression.js';

const value = (text: string, values = {}) => parseExpression(text, 'f').evaluate(values);

describe('calculate_output', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 4 - 3', 3],
    ['12 / 4 / 3', 1],
    ['-2 ^ 2', -4],
    ['2 ^ 3 ^ 2', 512],
    ['2 ^ -1', 0.5],
    ['2 ** 3', 8],
    ['--3', 3],
    ['min(3, 1, 2) + max(1, 5)', 6],
    ['abs(-2.5) + floor(1.9) + ceil(0.1)', 4.5],
    ['sqrt(16) + exp(0) + log(1)', 5],
    ['1e3 + .5', 1000.5],
    ['0.60*correctness + 0.20*algorithm', 0.8],
  ])('%s is %d', (text, expected) => {
    expect(value(text, { correctness: 1, algorithm: 1 })).toBeCloseTo(expected, 12);
  });

  it('names its graders once', () => {
    expect(parseExpression('a*a + b_2', 'f').names).toEqual(['a', 'b_2']);
  });

  it.each(['', '1 +', '(1', '1)', '1 2', 'min()', 'sqrt(1, 2)', 'sin(1)', 'a.b', '1 % 2', 'min'])(
    '%j is a formula only when it is one',
    (text) => {
      if (text === 'min') expect(value(text, { min: 2 })).toBe(2);
      else expect(() => value(text)).toThrow('f: ');
    },
  );

  it('bounds nesting', () => {
    expect(() => value('('.repeat(1000))).toThrow('nested too deeply');
    expect(() => value('2^'.repeat(1000))).toThrow('nested too deeply');
    expect(() => value('1'.repeat(5000))).toThrow('characters');
  });
});
