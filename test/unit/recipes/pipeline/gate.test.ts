/** Gates: what they mean, and what is refused. */
import { describe, expect, it } from 'vitest';
import { parseGate } from '../../../../src/recipes/pipeline/gate.js';
import { fullName, metricOf, numbersOf } from '../../../../src/recipes/pipeline/metrics.js';
import { InputError } from '../../../../src/util/errors.js';
import { refusalOf } from '../../../support/failures.js';

const values: Record<string, number> = {
  accuracy: 0.25,
  'eval/boxed_rate': 0.9,
  n: 10,
  'pass@4': 0.5,
};
const test = (text: string) => parseGate(text, 'x')((name) => values[name] as number);

describe('parseGate', () => {
  it.each([
    ['accuracy < 0.3', true],
    ['accuracy < 0.25', false],
    ['accuracy <= 0.25', true],
    ['accuracy > 2.4e-1', true],
    ['accuracy >= .25', true],
    ['n == 10', true],
    ['n != 10', false],
    ['n > -1', true],
    ['0.3 > accuracy', true],
    ['accuracy<0.3 and n>20', false],
    ['accuracy<0.3 or n>20', true],
    ['not accuracy < 0.3', false],
    ['not (accuracy < 0.3 and n > 20)', true],
    // and binds closer than or: false and false or true
    ['n > 20 and n > 30 or n == 10', true],
    ['n == 10 or n > 20 and n > 30', true],
    ['(n == 10 or n > 20) and n > 30', false],
    ['eval/boxed_rate > 0.5', true],
    ['pass@4<0.6 and pass@4 > 0.4', true],
  ])('%s is %s', (text, expected) => {
    expect(test(text)).toBe(expected);
  });

  it.each([
    ['accuracy', 'the end'],
    ['accuracy <', 'the end'],
    ['accuracy < 0.3)', ')'],
    ['(accuracy < 0.3', 'the end'],
    ['accuracy < 0.3 accuracy', 'accuracy'],
    ['and < 3', 'and'],
    ['accuracy = 3', '= 3'],
    ['process.exit()', '('],
    ['accuracy < `id`', '`id`'],
    ['', 'the end'],
  ])('refuses %s', (text, found) => {
    expect(refusalOf(InputError, () => parseGate(text, 'p.yaml:3'))).toBe(
      `p.yaml:3: cannot read gate ${JSON.stringify(text)} at ${JSON.stringify(found)}. ` +
        'Write e.g. accuracy < 0.3, with and, or, not and parentheses',
    );
  });
});

describe('numbers of a result', () => {
  const result = { accuracy: 0.5, eval: { boxed: 1, name: 'x' }, list: [1], nan: Number.NaN };

  it('have dotted names', () => {
    expect([...numbersOf(result)]).toEqual([
      ['accuracy', 0.5],
      ['eval.boxed', 1],
    ]);
    expect([...numbersOf(null)]).toEqual([]);
  });

  it('are found by their last part where that is unique', () => {
    expect(metricOf(result, 'boxed', 'x')).toBe(1);
    expect(metricOf({ accuracy: null, a: { accuracy: 1 } }, 'accuracy', 'x')).toBeNull();
    const twice = numbersOf({ a: { x: 1 }, b: { x: 2 } });
    expect(fullName(twice, 'x')).toBeUndefined();
    expect(fullName(twice, 'b.x')).toBe('b.x');
  });

  it('are missed with the names that there are', () => {
    expect(() => metricOf(result, 'acc', 'stage a')).toThrow(
      'stage a: the result has no one value acc; it has accuracy, eval.boxed',
    );
  });
});
