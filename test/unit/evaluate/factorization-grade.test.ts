/** Factorizations as an evaluation grades them. */
import { expect, it } from 'vitest';
import { factorizationGrader } from '../../../src/evaluate/index.js';

const ROW = { number: 210, factors: [2, 3, 5, 7] };
const grade = factorizationGrader();
const answer = (factors: readonly number[], more: object = {}) =>
  JSON.stringify({ factors, algorithm: 'TrialDivision', ...more });

it('prime factors of the number are correct, in any order', () => {
  const right = grade(answer([7, 5, 2, 3]), ROW);
  // correctness .60 and an algorithm that suits .20; no steps, no time
  expect(right).toMatchObject({
    correct: true,
    flexible_correct: true,
    answer: '[2, 3, 5, 7]',
    gold: '[2, 3, 5, 7]',
    has_reasoning: false,
    format_ok: true,
    parts: { correctness: 1, algorithm: 1, reasoning: 0, efficiency: 0 },
  });
  expect(right.score).toBeCloseTo(0.8, 12);
});

it.each([
  ['a factor that is not prime', answer([6, 5, 7]), '[5, 6, 7]', 0.2],
  ['another product', answer([2, 3, 5]), '[2, 3, 5]', 0.2],
  ['no factors', answer([]), null, 0.2],
  ['no JSON', '2 × 3 × 5 × 7', null, 0],
  ['nothing', '', null, 0],
])('%s is wrong', (_, completion, given, score) => {
  const { correct, answer: read, score: total } = grade(completion, ROW);
  expect({ correct, read }).toEqual({ correct: false, read: given });
  expect(total).toBeCloseTo(score, 12);
});

it('a row without a number is not graded', () => {
  expect(grade(answer([2]), { question: 'q' })).toMatchObject({ correct: null, score: null });
});
