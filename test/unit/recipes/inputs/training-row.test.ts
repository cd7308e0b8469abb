/** Problem rows as what a model learns to write. */
import { expect, it } from 'vitest';
import { trainingRow } from '../../../../src/recipes/inputs/training-row.js';

const tags = { reasoningStart: '[', reasoningEnd: ']', solutionStart: '{', solutionEnd: '}' };
const style = { tags, form: 'tags' } as const;

it('an answer may be a number', () => {
  const row = { question: '5 + 1?', reasoning: 'count', answer: 6 };
  expect(trainingRow(row, style, 'f:1')).toMatchObject({ completion: '[count]{6}' });
});

it('without its working or answer a question is refused with what it has', () => {
  const row = { question: '5 + 1?', reasoning: null, answer: 'six' };
  expect(() => trainingRow(row, style, 'f:1')).toThrow(
    'f:1: a question without its working and answer (it has question, reasoning=null, answer)',
  );
});
