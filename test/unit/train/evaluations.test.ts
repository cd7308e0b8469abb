import { describe, expect, it } from 'vitest';
import { bestEvaluation, shouldStop, withEvaluation } from '../../../src/train/evaluations.js';

const historyOf = (...values: number[]) =>
  values.map((value, i) => ({ step: 10 * (i + 1), value }));
const LOSS = { greaterIsBetter: false, threshold: 0 };

describe('the best evaluation', () => {
  it('is the first of the best', () => {
    expect(bestEvaluation(historyOf(3, 1, 2, 1), LOSS)).toEqual({ step: 20, value: 1 });
    expect(bestEvaluation(historyOf(0.1, 0.4, 0.4), { greaterIsBetter: true })?.step).toBe(20);
    expect(bestEvaluation([], LOSS)).toBeNull();
  });
});

describe('early stopping', () => {
  it('waits for as many evaluations without a better one', () => {
    expect(shouldStop(historyOf(3, 2, 2.5), { ...LOSS, patience: 2 })).toBe(false);
    expect(shouldStop(historyOf(3, 2, 2.5, 2.1), { ...LOSS, patience: 2 })).toBe(true);
    expect(shouldStop(historyOf(3, 2, 2.5, 1.9), { ...LOSS, patience: 2 })).toBe(false);
  });

  it('does not count what is better by less than the threshold', () => {
    expect(shouldStop(historyOf(3, 2.95, 2.9), { ...LOSS, threshold: 0.1, patience: 2 })).toBe(
      true,
    );
    expect(shouldStop(historyOf(3, 2.95, 2.9), { ...LOSS, patience: 2 })).toBe(false);
  });
});

describe('a repeated evaluation', () => {
  it('takes the place of the one of its step, and of what came after', () => {
    const history = historyOf(3, 2, 1);
    expect(withEvaluation(history, { step: 20, value: 5 })).toEqual([
      { step: 10, value: 3 },
      { step: 20, value: 5 },
    ]);
  });
});
