/** `lorikeet compare A B …`: runs or evaluations side by side, paired by example. */
import { z } from 'zod';
import { inputPath, optionalPath, text } from './fields.js';
import { overwriteKey } from './groups.js';

export const compareSchema = z.strictObject({
  inputs: z.array(inputPath()).min(2).describe('Run folders or per-example files, two or more'),
  output: optionalPath('CSV, or HTML page with curves, of the comparison; null prints it only'),
  table: optionalPath('CSV of accuracy: a row for each benchmark, a column for each strategy'),
  column: text()
    .default('correct')
    .describe('Column of true and false that examples are compared by'),
  ...overwriteKey,
});

export type CompareConfig = z.output<typeof compareSchema>;
