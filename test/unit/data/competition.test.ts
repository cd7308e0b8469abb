/** Rows of competitions, brought to the common form. */
import { describe, expect, it } from 'vitest';
import { loadRows } from '../../../src/data/index.js';
import { normaliseCompetition, normaliseOlympiadBench } from '../../../src/data/row-formats.js';
import { hasData, NEEDS_DATA } from '../../support/real-data.js';

describe('competition rows', () => {
  it('take problem or question, and numbers as answers', () => {
    expect(normaliseCompetition({ problem: 'p', answer: 27.0, id: 3 })).toEqual({
      question: 'p',
      reasoning: '',
      answer: '27',
      id: 3,
    });
    expect(normaliseCompetition({ question: 'q', answer: '27.0', solution: 's' })).toMatchObject({
      question: 'q',
      reasoning: 's',
      answer: '27',
    });
    expect(normaliseCompetition({ question: 'q', answer: 2.5 })).toMatchObject({ answer: '2.5' });
  });

  it('say what is missing', () => {
    expect(normaliseCompetition({ answer: 1 })).toContain('"problem"');
    expect(normaliseCompetition({ problem: 'p' })).toContain('"answer"');
  });
});

describe('rows of OlympiadBench', () => {
  it('join their answers and keep the tolerance', () => {
    const row = { question: 'q', solution: ['a', 'b'], final_answer: ['$1$', '2'], error: '1e-1' };
    expect(normaliseOlympiadBench(row)).toEqual({
      question: 'q',
      reasoning: 'a\nb',
      answer: '1, 2',
      precision: 0.1,
    });
    expect(normaliseOlympiadBench({ ...row, error: null })).not.toHaveProperty('precision');
    expect(normaliseOlympiadBench({ ...row, final_answer: [] })).toContain('"final_answer"');
  });
});

describe.skipIf(!hasData())(`real rows ${NEEDS_DATA}`, () => {
  it.each([
    ['aime24', 30],
    ['aime25', 30],
    ['amc23', 40],
    ['olympiadbench', 675],
  ])('%s has %i', async (name, count) => {
    const { rows } = await loadRows(name, { split: 'test' });
    expect(rows).toHaveLength(count);
    for (const { question, answer } of rows) {
      expect(String(question).length).toBeGreaterThan(20);
      expect(String(answer)).not.toBe('');
    }
  });
});
