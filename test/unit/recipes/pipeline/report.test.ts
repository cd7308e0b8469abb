import { expect, it } from 'vitest';
import { targetCells } from '../../../../src/recipes/pipeline/report.js';

it.each([
  // To four digits both would seem to say the contrary of their result.
  ['rows >= 12348', { rows: 12345 }, false, 'rows 12345', 'missed'],
  ['accuracy > 0.9', { accuracy: 0.90004 }, true, 'accuracy 0.90004', 'met'],
  ['a < b', { a: 1 / 3, b: null }, false, 'a 0.333333, b not known', 'missed'],
])('of the target %s the numbers tell the result', (text, values, isMet, measured, result) => {
  expect(targetCells({ text, values, isMet })).toEqual([text, measured, result]);
});
