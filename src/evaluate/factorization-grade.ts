/**
 * Grades of factorizations by the reward of that name: `score` is the weighted sum of its four parts, and an
 * answer is correct when its factors are prime and multiply to the number.
 */
import { makeRewards, readFactorization } from '../rewards/index.js';
import type { AnswerGrader } from './answer-grade.js';

const PARTS = ['correctness', 'algorithm', 'reasoning', 'efficiency'] as const;

/** For rows with `number`, and `factors` as the gold answer. */
export function factorizationGrader(): AnswerGrader {
  const names = ['factorization', ...PARTS.map((part) => `factorization_${part}`)];
  const grade = makeRewards(names.map((name) => ({ name, weight: 0 })));
  return (completion, row) => {
    const { parts } = grade(completion, row);
    const score = parts.factorization!.score;
    const factors = factorsOf(completion);
    const correct = score === null ? null : parts.factorization_correctness!.score === 1;
    return {
      gold: Array.isArray(row.factors) ? listed(row.factors) : null,
      answer: factors,
      correct,
      flexible_answer: factors,
      flexible_correct: correct,
      reasoning: null,
      has_reasoning: (parts.factorization_reasoning!.score ?? 0) > 0,
      has_answer: factors !== null,
      format_ok: factors !== null,
      score,
      parts: Object.fromEntries(PARTS.map((part) => [part, parts[`factorization_${part}`]!.score])),
    };
  };
}

const listed = (factors: readonly unknown[]): string => `[${factors.join(', ')}]`;

/** The factors as a list in ascending order, so that votes know equal ones; null where there are none. */
function factorsOf(completion: string): string | null {
  const factors = readFactorization(completion)?.factors ?? null;
  if (factors === null || factors.length === 0) return null;
  return listed(factors.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
}
