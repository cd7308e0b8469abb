/** `lorikeet pairs`: completion rows into preference pairs (question, chosen, rejected). */
import { z } from 'zod';
import { inputPath, nonNegative, optionalWhole, otherPath, text, whole } from './fields.js';
import { overwriteKey, seedKey } from './groups.js';

export const pairsSchema = z.strictObject({
  input: inputPath().describe("Completion rows (a run's samples.jsonl)"),
  output: otherPath().describe('JSONL of pairs'),
  ...overwriteKey,
  method: z
    .enum(['auto', 'correctness', 'coherence', 'score'])
    .default('auto')
    .describe(
      'Pairs by correctness, by it and then by coherence, or by score alone; auto: see page',
    ),
  completion_column: text().default('completion').describe('Column of the completion'),
  score: text().default('reward').describe('Column that ranks the completions of a question'),
  min_margin: nonNegative().default(0).describe('Pairs need a score difference above this'),
  max_pairs_per_question: whole(1).default(1).describe('Pairs made from one question'),
  max_pairs: optionalWhole(1, 'Pairs of each pair_type, drawn by the seed; null keeps all'),
  coherence: z
    .strictObject({
      score: text().default('s_wm').describe('Column that ranks the correct completions'),
      min_margin: nonNegative().default(0.1).describe('Pairs need a difference above this'),
      max_pairs_per_question: whole(1).default(1).describe('Such pairs made from one question'),
    })
    .prefault({})
    .describe('Pairs among the correct, with method=coherence'),
  ...seedKey,
});

export type PairsConfig = z.output<typeof pairsSchema>;
