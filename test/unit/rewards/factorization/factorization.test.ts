import { describe, expect, it } from 'vitest';
import { algorithmNamed, suits } from '../../../../src/rewards/factorization/algorithms.js';
import { reasoningScore } from '../../../../src/rewards/factorization/reasoning.js';
import { makeRewards } from '../../../../src/rewards/index.js';
import { FACTORIZATION_ALGORITHMS } from '../../../../src/util/factorization-algorithms.js';

const names = [
  'factorization',
  ...['correctness', 'algorithm', 'reasoning', 'efficiency'].map((part) => `factorization_${part}`),
];
const grade = makeRewards(names.map((name) => ({ name, weight: 1 })));

const ANSWER = {
  factors: [2, 3, 5, 7],
  algorithm: 'WheelFactorization',
  reasoning: [
    '210 is divisible by 2: 210 ÷ 2 = 105',
    '105 is divisible by 3: 105 ÷ 3 = 35',
    '35 is divisible by 5: 35 ÷ 5 = 7',
    'Therefore 210 is 2 × 3 × 5 × 7.',
  ],
  time_taken: 0.023,
  confidence: 0.99,
};

/** Total, correctness, algorithm, reasoning, efficiency. */
function scores(answer: unknown, number: unknown = 210): (number | null)[] {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const { parts } = grade(text, { number });
  return names.map((name) => parts[name]!.score);
}

describe('the four-part grader', () => {
  it('gives the full score to a right, reasoned answer, also in a fence', () => {
    expect(scores(ANSWER)).toEqual([1, 1, 1, 1, 1]);
    expect(scores(`Here:\n\`\`\`json\n${JSON.stringify(ANSWER)}\n\`\`\`\n`)).toEqual([
      1, 1, 1, 1, 1,
    ]);
    expect(scores({ ...ANSWER, factors: ['2', '3', '5', '7'] }, '210')[1]).toBe(1);
  });

  it.each([
    ['a factor that is not prime', [6, 5, 7]],
    ['a factor missing', [2, 3, 5]],
    ['a one', [1, 2, 3, 5, 7]],
    ['negative pairs', [-2, -3, 5, 7]],
    ['a fraction', [2.5, 84]],
    ['no list', 210],
    ['none', []],
  ])('%s is not correct', (_, factors) => {
    expect(scores({ ...ANSWER, factors })[1]).toBe(0);
  });

  // .60·0 + .20·1 + .15·.75 + .05·1: the reasoning no longer names the prime factors of a right answer
  it('weighs the parts .60, .20, .15, .05', () => {
    const [total, ...parts] = scores({ ...ANSWER, factors: [2, 3, 35] });
    expect(parts).toEqual([0, 1, 1, 1]);
    expect(total).toBeCloseTo(0.4, 12);
  });

  it.each([
    ['wheel factorization', 210, 1],
    ['Trial_Division', 210, 1],
    ['GeneralNumberFieldSieve', 210, 0.25],
    ['TrialDivision', 1_000_000_007, 0.25],
    ['PollardRho', 1_000_000_007, 1],
    ['Guessing', 210, 0],
    [7, 210, 0],
  ])('the algorithm %s for %d earns %d', (algorithm, number, score) => {
    expect(scores({ ...ANSWER, algorithm }, number)[2]).toBe(score);
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"factors":[2',
    '{"factors":'.repeat(4000),
    'two, three',
    '\u0000',
  ])('gives %j nothing', (text) => {
    expect(scores(text)).toEqual([0, 0, 0, 0, 0]);
  });

  it('does not apply to rows of another task', () => {
    for (const number of [undefined, 'x', 1, -5, 2.5]) {
      expect(scores(ANSWER, number === undefined ? null : number)).toEqual(names.map(() => null));
    }
  });

  it('factors beyond the safe integers are exact as text', () => {
    // 10^18 + 9 is prime, times 2
    const number = '2000000000000000018';
    const factors = ['2', '1000000000000000009'];
    expect(scores({ ...ANSWER, factors }, number)[1]).toBe(1);
    expect(scores({ ...ANSWER, factors: ['2', '1000000000000000008'] }, number)[1]).toBe(0);
  });
});

describe('reasoning by rule', () => {
  const task = { number: 210n, primes: [2n, 3n, 5n, 7n] };
  it.each([
    [[], 0],
    [['...', ''], 0],
    [['I think so.'], 0.25],
    [['210 ÷ 2 = 100'], 0.25],
    [['210 ÷ 2 = 105', '105 ÷ 3 = 36', '2 3 5 7'], 0.25],
    [['6 × 35 = 210'], 0.5],
    [['210 / 2 = 105'], 0.75],
    [['3 × 5 = 15; 2, 3, 5, 7'], 0.75],
    [['2 × 3 × 5 × 7 = 210', '210 ÷ 2 = 105'], 1],
    [['x'.repeat(3000)], 0],
    [Array(500).fill('210 ÷ 2 = 105'), 0],
  ])('%j is %d', (steps, score) => {
    expect(reasoningScore(steps, task)).toBe(score);
  });

  it('reads thousands with commas', () => {
    const large = { number: 2_000_003n, primes: [2_000_003n] };
    expect(reasoningScore(['2,000,003 ÷ 1 = 2,000,003'], large)).toBe(1);
  });
});

describe('algorithms', () => {
  it('suit every size, and are known whatever their spelling', () => {
    for (let digits = 1; digits <= 120; digits++) {
      expect(
        FACTORIZATION_ALGORITHMS.some((each) => suits(each, digits)),
        `${digits} digits`,
      ).toBe(true);
    }
    for (const { name } of FACTORIZATION_ALGORITHMS)
      expect(algorithmNamed(name.toUpperCase())?.name).toBe(name);
    expect(algorithmNamed('rho')).toBeNull();
  });
});
