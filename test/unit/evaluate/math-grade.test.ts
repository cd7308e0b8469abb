/** Strict and flexible grades of mathematical answers, side by side. */
import { describe, expect, it } from 'vitest';
import { mathGrader, numericGrader, textGrader } from '../../../src/evaluate/index.js';

describe('mathGrader', () => {
  const grade = mathGrader();

  it('reads boxes, tags and hashes strictly, phrases and numbers flexibly', () => {
    const row = { answer: '\\frac{1}{2}' };
    const cases: readonly (readonly [string, boolean, boolean])[] = [
      ['so \\boxed{0.5}', true, true],
      ['<SOLUTION>1/2</SOLUTION> and \\boxed{3}', true, true],
      ['#### 0.50', true, true],
      ['The answer is 0.5.', false, true],
      ['first 3, then 0.5', false, true],
      ['\\boxed{1/2, 3}', false, false],
      ['nothing', false, false],
    ];
    for (const [text, strict, flexible] of cases) {
      const { correct, flexible_correct: loose } = grade(text, row);
      expect([text, correct, loose]).toEqual([text, strict, flexible]);
    }
  });

  it('reads the gold answer behind a worked solution', () => {
    const row = { answer: '16 - 7 = 9 eggs, 9 * 2 = 18.\n#### 18' };
    expect(grade('so \\boxed{18}', row)).toMatchObject({ gold: '18', correct: true });
    expect(grade('so \\boxed{9}', row).correct).toBe(false);
  });

  it("uses the row's precision, and grades no row without a gold answer", () => {
    expect(grade('\\boxed{3.1}', { answer: '\\pi', precision: 0.1 }).correct).toBe(true);
    expect(grade('\\boxed{3.1}', { answer: '\\pi' }).correct).toBe(false);
    expect(grade('\\boxed{3}', {})).toMatchObject({ correct: null, flexible_correct: null });
  });
});

describe('textGrader', () => {
  it('exact compares texts as they stand', () => {
    const grade = textGrader('exact');
    expect(grade('<SOLUTION>Flu</SOLUTION>', { answer: 'Flu' })).toMatchObject({
      correct: true,
      score: 1,
    });
    expect(grade('<SOLUTION>flu</SOLUTION>', { answer: 'Flu' }).score).toBe(0);
    expect(grade(' Flu\n', { answer: 'Flu' })).toMatchObject({
      correct: false,
      flexible_correct: true,
    });
    expect(grade('Flu', {})).toMatchObject({ score: null, correct: null });
  });

  it('takes a whole response for the answer where the term alone is asked for', () => {
    const grade = textGrader('exact', { isWhole: true });
    expect(grade(' Flu\n', { answer: 'Flu' })).toMatchObject({
      answer: 'Flu',
      correct: true,
      has_answer: true,
      format_ok: true,
    });
    expect(grade('It is Flu', { answer: 'Flu' })).toMatchObject({
      correct: false,
      has_answer: true,
    });
    expect(grade('<SOLUTION>Flu</SOLUTION>', { answer: 'Flu' }).correct).toBe(true);
    expect(grade(' ', { answer: 'Flu' })).toMatchObject({ correct: false, has_answer: false });
  });

  it('fuzzy takes the token set ratio, combined .85 of it and .15 exact', () => {
    const row = { reference_answer: 'Acute appendicitis' };
    expect(textGrader('fuzzy')('acute appendicitis!', row).score).toBe(1);
    expect(textGrader('combined')('acute appendicitis!', row).score).toBeCloseTo(0.85, 9);
    expect(textGrader('combined')('Acute appendicitis', row).score).toBeCloseTo(1, 9);
    const part = textGrader('fuzzy')('gastric ulcer', row).score as number;
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(0.6);
  });
});

describe('numericGrader with other marks', () => {
  it('reads boxes and hashes strictly', () => {
    const row = { answer: '18' };
    expect(numericGrader({ form: 'hashes' })('9 + 9\n#### 18', row).correct).toBe(true);
    expect(numericGrader({ form: 'hashes' })('<SOLUTION>18</SOLUTION>', row).correct).toBe(false);
    expect(numericGrader({ form: 'boxed' })('\\boxed{18}', row).correct).toBe(true);
    expect(numericGrader()('\\boxed{18}', row)).toMatchObject({
      correct: false,
      flexible_correct: true,
    });
  });
});
