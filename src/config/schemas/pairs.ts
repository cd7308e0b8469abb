/** `lorikeet pairs`: completion rows into preference pairs (question, chosen, rejected). */
import { z } from 'zod';
import { inputPath, nonNegative, text, whole } from './fields.js';
import { overwriteKey, seedKey } from './groups.js';

export const pairsSchema = z.strictObject({
  input: inputPath().describe("Completion rows (a run's samples.jsonl)"),
  output: text().describe('JSONL of pairs'),
  ...overwriteKey,
  score: text().default('reward').describe('Column that ranks the completions of a question'),
  min_margin: nonNegative().default(0).describe('Pairs need a score difference above this'),
  max_pairs_per_question: whole(1).default(1).describe('Pairs made from one question'),
  ...seedKey,
});

export type PairsConfig = z.output<typeof pairsSchema>;
