/** `lorikeet pairs`: completion rows into preference pairs for DPO, with counts of what gave none. */
import type { PairsConfig } from '../config/index.js';
import {
  type CompletionRow,
  type PairOptions,
  type PairStats,
  pairsFromRollouts,
} from '../preferences/index.js';
import { closing } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import { type JsonRow, writeJson } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { inputRows } from './inputs/input-rows.js';
import { statsFile } from './outputs/companions.js';
import { holdOutput, writeRows } from './outputs/rows-output.js';

export function runPairs(config: PairsConfig, context: RecipeContext): Promise<PairStats> {
  return closing(async (stack) => {
    stack.defer(holdOutput(config));
    return await makePairs(config, context);
  });
}

async function makePairs(config: PairsConfig, context: RecipeContext): Promise<PairStats> {
  const input = await inputRows(config.input);
  const rows = input.rows.map((row, i) =>
    completionRow(row, { column: config.completion_column, where: input.where(i) }),
  );
  const { pairs, stats } = pairsFromRollouts(rows, {
    seed: config.seed,
    minMargin: config.min_margin,
    maxPairsPerPrompt: config.max_pairs_per_question,
    maxPairsPerType: config.max_pairs,
    ...methodOptions(config, rows),
  });
  if (pairs.length === 0) throw noPairs(config, rows.length, stats);
  writeRows(config, pairs, context);
  writeJson(statsFile(config), stats);
  const none = stats.prompts - stats.prompts_with_pair;
  const types = Object.entries(stats.pairs_by_type).map(([type, count]) => `${count} ${type}`);
  context.log(
    `pairs: ${stats.pairs} (${types.join(', ')}) from ${counted(stats.prompts, 'prompt')}, ${counted(none, 'prompt')} gave none`,
  );
  return stats;
}

const GRADE_FIRST = 'Grade them first: generate with rewards, or lorikeet grade';

function noPairs(
  { input: where, method }: PairsConfig,
  rows: number,
  stats: PairStats,
): InputError {
  if (stats.ungraded_dropped === rows) {
    return new InputError({
      where,
      problem: `no pairs: none of its rows (${rows}) has a reward`,
      remedy: GRADE_FIRST,
    });
  }
  const reasons = Object.entries(stats.prompts_without_pair)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${count}`);
  return new InputError({
    where,
    problem: `no pairs of ${counted(stats.prompts, 'prompt')}: ${reasons.join(', ')}`,
    remedy: `Sample more completions per prompt, or at a higher temperature${method === 'score' ? '' : ', or give method=score'}`,
  });
}

type Row = JsonRow & CompletionRow;
type MethodOptions = Pick<PairOptions<Row>, 'byCorrectness' | 'scorePairs'>;

/** `auto`: by correctness, and by score where the rows have no `correct` or another column is named. */
function methodOptions(config: PairsConfig, rows: readonly Row[]): MethodOptions {
  const { method, score: name, coherence } = config;
  const isCorrectKnown = rows.some(({ correct }) => typeof correct === 'boolean');
  const scorePairs = { type: name, among: 'all', score: (row: Row) => scoreOf(row, name) } as const;
  if (method === 'correctness') return {};
  if (method !== 'coherence') checkScore(config, rows);
  if (method === 'score') return { byCorrectness: false, scorePairs };
  if (method === 'auto') return name !== 'reward' || !isCorrectKnown ? { scorePairs } : {};
  if (!isCorrectKnown) throw missing(config.input, 'correct');
  if (rows.every((row) => scoreOf(row, coherence.score) === null)) {
    throw missing(config.input, coherence.score);
  }
  return {
    scorePairs: {
      type: 'coherence',
      among: 'correct',
      score: (row) => scoreOf(row, coherence.score),
      minMargin: coherence.min_margin,
      maxPerPrompt: coherence.max_pairs_per_question,
    },
  };
}

/** @throws InputError where it is a number in no row */
function checkScore({ input, score }: PairsConfig, rows: readonly Row[]): void {
  if (score === 'reward' || rows.some((row) => scoreOf(row, score) !== null)) return;
  const numbers = rows.flatMap((row) =>
    Object.keys({ ...row, ...(row.rewards as JsonRow | undefined) }).filter(
      (name) => scoreOf(row, name) !== null,
    ),
  );
  throw new InputError({
    where: 'score',
    problem: `${JSON.stringify(score)} is a number in no row of ${input}`,
    remedy: numbers.length === 0 ? GRADE_FIRST : `Numbers are ${[...new Set(numbers)].join(', ')}`,
  });
}

function missing(input: string, column: string): InputError {
  return new InputError({
    where: input,
    problem: `method=coherence needs ${column}, which no row has`,
    remedy: 'Give the output of lorikeet rollouts, or another method',
  });
}

function completionRow(
  row: JsonRow,
  { column, where }: { readonly column: string; readonly where: string },
): Row {
  const { [column]: completion, reward } = row;
  if (typeof completion === 'string' && (typeof reward === 'number' || reward === null)) {
    return { ...row, completion, reward };
  }
  throw new InputError({
    where,
    problem: `a row needs ${column} (text) and reward (number or null)`,
    remedy:
      "Use a run's samples.jsonl, or lorikeet generate with rewards; set completion_column for other rows",
  });
}

/** A column of the row, or one of its rewards. */
function scoreOf(row: JsonRow, name: string): number | null {
  const value = row[name] ?? (row.rewards as JsonRow | undefined)?.[name];
  return typeof value === 'number' ? value : null;
}
