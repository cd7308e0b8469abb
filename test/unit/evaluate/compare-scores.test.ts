import { describe, expect, it } from 'vitest';
import { compareScores } from '../../../src/evaluate/index.js';

const row = (id: number, sample: number, score: unknown) => ({
  id: String(id),
  sample_index: sample,
  score,
});

describe('compareScores', () => {
  // Differences by example: 0: (.2 + .4) / 2 = .3, 1: .1; mean .2, deviation .1·√2, so ± 1.96·.1
  it('pairs samples, and takes the interval over examples', () => {
    const a = [row(0, 0, 0.1), row(0, 1, 0.1), row(1, 0, 0.5)];
    const b = [row(1, 0, '0.6'), row(0, 0, '0.3'), row(0, 1, '0.5'), row(2, 0, '1')];
    const scores = compareScores(a, b);
    expect(scores?.score_a).toBeCloseTo((0.1 + 0.5) / 2, 12);
    expect(scores?.score_b).toBeCloseTo((0.4 + 0.6) / 2, 12);
    expect(scores?.score_difference).toBeCloseTo(0.2, 12);
    expect(scores?.score_difference_low).toBeCloseTo(0.2 - 0.1959964, 6);
    expect(scores?.score_difference_high).toBeCloseTo(0.2 + 0.1959964, 6);
  });

  // Differences 6 and 6.5: mean 6.25, deviation .5/√2, so ± 1.96·.25
  it('keeps the interval around differences of scores beyond 1', () => {
    const scores = compareScores([row(0, 0, 2), row(1, 0, 3)], [row(0, 0, 8), row(1, 0, 9.5)]);
    expect(scores?.score_difference).toBeCloseTo(6.25, 12);
    expect(scores?.score_difference_low).toBeCloseTo(6.25 - 0.489991, 6);
    expect(scores?.score_difference_high).toBeCloseTo(6.25 + 0.489991, 6);
  });

  it('is null without a pair that has scores on both sides', () => {
    expect(compareScores([row(0, 0, 1)], [row(0, 0, null), row(1, 0, 1)])).toBeNull();
    expect(compareScores([row(0, 0, '')], [row(0, 0, 1)])).toBeNull();
  });
});
