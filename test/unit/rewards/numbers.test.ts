/** Reading numbers in answers: what is a number, what is not, and when two are equal. */
import { describe, expect, it } from 'vitest';
import { numbersEqual, parseNumber } from '../../../src/rewards/index.js';

describe('parseNumber', () => {
  it.each([
    ['18', 18],
    [' 18. ', 18],
    ['18!', 18],
    ['-5', -5],
    ['\u22125', -5],
    ['- 5', -5],
    ['+5', 5],
    ['$1,234.50', 1234.5],
    ['-$5', -5],
    ['$-5', -5],
    ['\\$1{,}234', 1234],
    ['1\\,234', 1234],
    ['€ 12', 12],
    ['109,200,000', 109200000],
    ['1 000', 1000],
    ['3.50', 3.5],
    ['007', 7],
    ['.5', 0.5],
    ['50%', 50],
    ['50\\%', 50],
    ['18 dollars', 18],
    ['The answer is 18.', 18],
    ['x = 18', 18],
    ['\\boxed{42}', 42],
    ['**18**', 18],
    ['**18** dollars', 18],
    ['The answer is **18**.', 18],
    ['She earns **$18** a day', 18],
    ['18 **dollars**', 18],
    ['**$1,234.50**.', 1234.5],
    ['5 m2', 5],
    ['5 m^2', 5],
    ['5 m²', 5],
    ['60 km/h', 60],
    ['3/4', 0.75],
    ['3 / 4 cups', 0.75],
    ['1e3', 1000],
    ['2.5E-1', 0.25],
    ['3 eggs', 3],
    ['1.8 billion', 1.8e9],
    ['2 thousand dollars', 2000],
  ])('reads %j as %d', (text, value) => {
    expect(parseNumber(text)).toBeCloseTo(value, 9);
  });

  it.each([
    '',
    'ten',
    '$',
    '...',
    '18 apples, 2 pears',
    '2 hours 30 minutes',
    '16 - 3',
    '2**3**2',
    '2 ** n',
    'x ** 2 ** 3',
    '**2**3',
    '16-3',
    '5+3=8',
    '3-5',
    '12:30',
    '1/2/2020',
    '1/0',
    '1,23',
    '1,2345',
    '1,234,56',
    '1.2.3',
    '2^3',
    '5²',
    '5 ½',
    '√16',
    '--5',
    '３',
    'x5',
  ])('reads no number in %j', (text) => {
    expect(parseNumber(text)).toBeNull();
  });

  it('reads 256 characters and refuses more', () => {
    expect(parseNumber(`7${' apples'.repeat(36)}`)).toBe(7);
    expect(parseNumber(`7${' apples'.repeat(37)}`)).toBeNull();
  });
});

describe('numbersEqual', () => {
  it.each([
    ['3.50', '$3.5'],
    ['1,000', '1000.00'],
    ['-0', '0'],
    ['0.75', '3/4'],
    ['1e3', '1000'],
    ['9007199254740993', '9,007,199,254,740,993'],
    ['10.833333333333332', '10.8333333333'],
  ])('%j equals %j', (a, b) => {
    expect(numbersEqual(a, b)).toBe(true);
    expect(numbersEqual(b, a)).toBe(true);
  });

  it.each([
    ['18', '-18'],
    ['0.333', '1/3'],
    ['10000000001', '10000000000'],
    ['1e10', '10000000001'],
    ['9007199254740993', '9007199254740992'],
    ['18', 'ten'],
    ['ten', 'ten'],
    ['0', '0.0000001'],
  ])('%j does not equal %j', (a, b) => {
    expect(numbersEqual(a, b)).toBe(false);
    expect(numbersEqual(b, a)).toBe(false);
  });
});
