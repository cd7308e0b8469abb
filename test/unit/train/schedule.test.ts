import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../../src/train/schedule.js';

const at = (type: Parameters<typeof learningRateAt>[0]['type'], step: number, warmupSteps = 2) =>
  learningRateAt({ type, learningRate: 1, warmupSteps, totalSteps: 10 }, step);

describe('learningRateAt', () => {
  it('rises from 0 in equal parts and falls linearly to 0', () => {
    expect([0, 1, 2, 6, 10].map((step) => at('linear', step))).toEqual([0, 0.5, 1, 0.5, 0]);
  });

  it('falls along half a cosine: ½(1 + cos π·progress)', () => {
    expect(at('cosine', 2)).toBe(1);
    expect(at('cosine', 6)).toBeCloseTo(0.5, 12);
    expect(at('cosine', 4)).toBeCloseTo(0.5 * (1 + Math.SQRT1_2), 12);
  });

  it('stays constant, with and without warm-up', () => {
    expect(at('constant', 0)).toBe(1);
    expect(at('constant_with_warmup', 1)).toBe(0.5);
    expect(at('constant_with_warmup', 9)).toBe(1);
  });
});
