/** `lorikeet pairs`: completion rows into preference pairs for DPO, with counts of what gave none. */
import type { PairsConfig } from '../config/index.js';
import { type CompletionRow, type PairStats, pairsFromRollouts } from '../preferences/index.js';
import { InputError } from '../util/errors.js';
import { type JsonRow, readJsonl, writeJson } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { checkOutput, writeRows } from './rows-output.js';

export async function runPairs(config: PairsConfig, context: RecipeContext): Promise<PairStats> {
  checkOutput(config);
  const rows = readJsonl(config.input).map((row, i) =>
    completionRow(row, `${config.input}:${i + 1}`),
  );
  const byScore =
    config.score !== 'reward' || rows.every(({ correct }) => typeof correct !== 'boolean');
  const { pairs, stats } = pairsFromRollouts(rows, {
    seed: config.seed,
    minMargin: config.min_margin,
    maxPairsPerPrompt: config.max_pairs_per_question,
    ...(byScore && {
      scorePairs: { type: config.score, among: 'all', score: (row) => scoreOf(row, config.score) },
    }),
  });
  if (pairs.length === 0) {
    throw new InputError({
      where: config.input,
      problem: `no pairs: ${JSON.stringify(stats.prompts_without_pair)} of ${stats.prompts} prompts`,
      remedy: 'Sample more completions per prompt, or at a higher temperature',
    });
  }
  writeRows(config, pairs, context);
  writeJson(`${config.output}.stats.json`, stats);
  const none = stats.prompts - stats.prompts_with_pair;
  context.log(`pairs: ${stats.pairs} from ${stats.prompts} prompts, ${none} prompts gave none`);
  return stats;
}

function completionRow(row: JsonRow, where: string): JsonRow & CompletionRow {
  const { completion, reward } = row;
  if (typeof completion === 'string' && (typeof reward === 'number' || reward === null)) {
    return row as JsonRow & CompletionRow;
  }
  throw new InputError({
    where,
    problem: 'a row needs completion (text) and reward (number or null)',
    remedy: "Use a run's samples.jsonl, or lorikeet generate with rewards",
  });
}

/** A column of the row, or one of its rewards. */
function scoreOf(row: JsonRow, name: string): number | null {
  const value = row[name] ?? (row.rewards as JsonRow | undefined)?.[name];
  return typeof value === 'number' ? value : null;
}
