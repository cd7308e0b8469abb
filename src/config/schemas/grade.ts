/** `lorikeet grade`: a grader over rows. */
import { z } from 'zod';
import { off, optionalInput, optionalPath, text, whole } from './fields.js';
import { graderKeys } from './grader-keys.js';
import { overwriteKey, rewardsKey } from './groups.js';
import { issueAt } from './issue-at.js';

const keys = z.strictObject({
  grader_file: optionalInput('Grader object, a JSON file'),
  rewards: rewardsKey.default([]).describe('Rewards in place of a grader, summed'),
  input: optionalInput('Rows with item and sample, or the row itself and its completion'),
  output: optionalPath('JSONL of the rows with score and status; null prints it'),
  ...overwriteKey,
  concurrency: whole(1).default(8).describe('Rows graded at the same time'),
  ...graderKeys,
  validate: off('Check that reference answers score full: of input, or of all known data sets'),
  stress: off('Attack the grader with answers that deserve nothing'),
  gold: text()
    .default('{{ item.reference_answer }}')
    .describe('Reference answer of a row, a template; for validate and stress'),
  full_score: z.number().default(1).describe('Score of a full answer; for validate and stress'),
  stress_rows: whole(1).default(20).describe('Rows that are attacked'),
});

const GRADER =
  "exactly one of grader_file and rewards is needed. Give grader_file=F.json or rewards='[{name: …}]'";

/** Without a grader and rows, `validate` alone checks the data sets that are known by name. */
function checkGiven(config: z.output<typeof keys>, context: z.RefinementCtx): void {
  const { grader_file: file, rewards, input, validate, stress } = config;
  const [hasFile, hasRewards] = [file !== null, rewards.length > 0];
  if (!hasFile && !hasRewards && input === null && validate && !stress) return;
  const issue = issueAt(context);
  if (hasFile === hasRewards) issue('grader_file', GRADER);
  if (input === null) issue('input', 'no rows are named. Give input=F.jsonl');
}

export const gradeSchema = keys.superRefine(checkGiven);

export type GradeConfig = z.output<typeof gradeSchema>;
