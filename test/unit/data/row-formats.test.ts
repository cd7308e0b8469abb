/** GSM8K's and MATH's rows in the common form: cases by hand, and every real row where there are any. */
import { describe, expect, it } from 'vitest';
import { normaliseGsm8k, normaliseMath, ROW_FORMATS } from '../../../src/data/row-formats.js';
import { extractBoxed } from '../../../src/util/boxed.js';
import { readJsonl } from '../../../src/util/files.js';
import { dataPath, hasData, NEEDS_DATA } from '../../support/real-data.js';

describe('normaliseGsm8k', () => {
  it('splits the working from the answer and removes calculator marks', () => {
    const row = {
      question: 'How many?',
      answer: '48/2 = <<48/2=24>>24 clips.\n48+24 = <<48+24=72>>72\n#### 72',
      index: 5,
    };
    expect(normaliseGsm8k(row)).toEqual({
      question: 'How many?',
      reasoning: '48/2 = 24 clips.\n48+24 = 72',
      answer: '72',
      index: 5,
    });
  });

  it.each([
    ['x\n#### 1,234', '1234'],
    ['x\n#### $5.50', '5.50'],
    ['x\n#### -3 ', '-3'],
    ['a #### b\n#### 7', '7'],
  ])('%j has the answer %s', (answer, expected) => {
    expect(normaliseGsm8k({ question: 'q', answer })).toMatchObject({ answer: expected });
  });

  it('takes the working from `solution` where the answer is bare', () => {
    const row = { question: 'q', solution: '1+1=<<1+1=2>>2\n#### 2', answer: '2' };
    expect(normaliseGsm8k(row)).toEqual({ question: 'q', reasoning: '1+1=2', answer: '2' });
  });

  it.each([
    [{ answer: '#### 1' }, 'no text in column "question" (it has answer)'],
    [{ question: 'q', answer: 7 }, 'no text in column "answer" (it has question, answer=7)'],
    [{ question: 'q', answer: 'seven' }, 'its answer has no "#### N"'],
    [{ question: 'q', answer: 'x\n#### seven' }, 'its final answer "seven" is not a number'],
    [{ question: 'q', answer: 'x\n####' }, 'its final answer "" is not a number'],
  ])('says what is wrong with %j', (row, problem) => {
    expect(normaliseGsm8k(row)).toBe(problem);
  });
});

describe('auto', () => {
  it('takes rows of the form of GSM8K as such, and leaves others', () => {
    const own = { question: 'q', answer: 'w\n\n#### 3' };
    expect(ROW_FORMATS.auto(own)).toEqual({ question: 'q', reasoning: 'w', answer: '3' });
    for (const row of [{ question: 'q', answer: 'C #### D' }, { messages: [] }, { prompt: 'p' }]) {
      expect(ROW_FORMATS.auto(row)).toBe(row);
    }
  });
});

describe('normaliseMath', () => {
  it('prefers the given answer and falls back on the box', () => {
    const row = { problem: 'p', solution: 's \\boxed{4}', level: 'Level 1' };
    const expected = { question: 'p', reasoning: 's \\boxed{4}', answer: '4', level: 'Level 1' };
    expect(normaliseMath(row)).toEqual(expected);
    expect(normaliseMath({ ...row, answer: '5' })).toMatchObject({ answer: '5' });
    const spaced = { problem: 'p', solution: 'so \\boxed {5}. Done' };
    expect(normaliseMath(spaced)).toMatchObject({ answer: '5' });
    const bare = { problem: 'p', solution: 'so \\boxed 5 and more' };
    expect(normaliseMath(bare)).toMatchObject({ answer: '5' });
    expect(normaliseMath({ problem: 'p', solution: 's' })).toBe(
      'its solution has no \\boxed{} answer',
    );
    expect(normaliseMath({ solution: 's' })).toMatch(/no text in column "problem"/);
  });
});

describe.skipIf(!hasData('gsm8k'))(`real rows ${NEEDS_DATA}`, () => {
  it.each([
    ['gsm8k/train.jsonl.gz', 7473],
    ['gsm8k/test.jsonl', 1019],
    ['gsm8k_platinum/test.jsonl', 909],
  ])('every answer of %s is a number', (name, count) => {
    const rows = readJsonl(dataPath(name));
    expect(rows.length).toBe(count);
    for (const row of rows) {
      const result = normaliseGsm8k(row);
      if (typeof result === 'string') throw new Error(`${result}: ${JSON.stringify(row)}`);
      expect(result.answer).toMatch(/^-?\d+(\.\d+)?$/);
      expect(result.reasoning).not.toMatch(/<<|>>|####/);
      expect(result.reasoning.length).toBeGreaterThan(0);
    }
  });

  it('the last box is the answer of every MATH test row', () => {
    const rows = readJsonl(dataPath('math/test.jsonl.gz'));
    expect(rows.length).toBe(5000);
    const wrong = rows.filter(
      (row) => extractBoxed(String(row.solution)) !== String(row.answer).trim(),
    );
    expect(wrong.map(({ solution, answer }) => [extractBoxed(String(solution)), answer])).toEqual(
      [],
    );
  });
});
