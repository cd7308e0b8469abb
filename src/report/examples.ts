/** Example completions for a report: the best, the middle and the worst, sorted by reward. */
import type { Example, Fact } from './report-types.js';
import type { SampleRow } from './sample-log.js';
import { duration, formatCell } from './text-table.js';

/**
 * About `count` rows, spread evenly over the ranking by reward, best first; of equal texts one. Rows
 * that could not be graded come last.
 */
export function pickExamples(rows: readonly SampleRow[], count: number): SampleRow[] {
  const unique = new Map(rows.map((row) => [`${row.prompt}\0${row.completion}`, row]));
  const ranked = [...unique.values()].sort((a, b) => rewardOf(b) - rewardOf(a));
  if (ranked.length <= count) return ranked;
  const places = Array.from({ length: count }, (_, i) =>
    Math.round((i * (ranked.length - 1)) / Math.max(1, count - 1)),
  );
  return places.flatMap((place) => ranked[place] ?? []);
}

export function toExample(row: SampleRow): Example {
  return {
    prompt: row.question ?? row.prompt,
    completion: row.completion,
    gold: row.gold ?? null,
    correct: row.correct ?? null,
    reward: row.reward,
    parts: Object.entries(row.rewards).map(([name, score]) => ({
      name,
      score,
      status: row.statuses[name] ?? 'ok',
    })),
    facts: exampleFacts(row),
  };
}

function exampleFacts(row: SampleRow): Fact[] {
  const facts: Fact[] = [
    { label: 'step', value: String(row.step) },
    { label: 'tokens', value: String(row.tokens) },
    { label: 'finish', value: row.finish_reason },
  ];
  if (typeof row.advantage === 'number') {
    facts.push({ label: 'advantage', value: formatCell(row.advantage) });
  }
  if (row.logprob_mean !== null) {
    facts.push({ label: 'mean log-probability', value: formatCell(row.logprob_mean) });
  }
  if (row.adapter !== null) facts.push({ label: 'adapter', value: row.adapter.slice(0, 8) });
  return [...facts, { label: 'time', value: duration(row.seconds) }];
}

function rewardOf(row: SampleRow): number {
  return row.reward ?? Number.NEGATIVE_INFINITY;
}
