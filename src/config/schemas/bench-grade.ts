/** `lorikeet bench grade`: grades per second. */
import { z } from 'zod';
import { optionalInput, positive } from './fields.js';

export const benchGradeSchema = z.strictObject({
  answers: optionalInput(
    'JSONL with a column answer, graded in pairs; null: MedQuAD below LORIKEET_DATA',
  ),
  formulas: optionalInput(
    'JSONL with a column answer in LaTeX, against itself re-typeset; null: MATH below LORIKEET_DATA',
  ),
  seconds: positive().default(2).describe('Time for each grader'),
});

export type BenchGradeConfig = z.output<typeof benchGradeSchema>;
