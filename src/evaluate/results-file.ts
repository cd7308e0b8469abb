/** An evaluation as one JSON file: its metrics, the means of the score's parts, tables, and every example. */
import { writeJson } from '../util/files.js';
import type { Evaluation } from './evaluate.js';

/** The parts of a factorization under the names of reinforcement jobs, whose targets they are. */
function qualities({ correctness, algorithm, reasoning }: Readonly<Record<string, unknown>>) {
  if (correctness === undefined || algorithm === undefined || reasoning === undefined) return {};
  return { correctness, algorithm_selection: algorithm, reasoning_quality: reasoning };
}

/** @param about what was evaluated */
export function writeResults(
  path: string,
  { rows, metrics, tables }: Evaluation,
  about: Readonly<Record<string, string | number>>,
): void {
  const prefix = 'parts/';
  const named = Object.entries(metrics).filter(
    ([name]) => name.startsWith(prefix) && !name.endsWith('/ungraded'),
  );
  const parts = Object.fromEntries(
    named.map(([name, value]) => [name.slice(prefix.length), value]),
  );
  const examples = rows.map(({ question, gold, answer, completion, correct, ...row }) => ({
    id: row.id,
    sample_index: row.sample_index,
    question,
    gold,
    answer,
    correct,
    score: row.score ?? null,
    reward: row.reward,
    rewards: row.rewards,
    completion,
    ...(row.parts && { parts: row.parts }),
  }));
  writeJson(path, { ...about, ...qualities(parts), parts, metrics, tables, examples });
}
