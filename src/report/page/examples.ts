/** Completions of a run for its report: the best, the middle and the worst, and those of its steps. */
import { groupBy } from '../../util/group.js';
import type { SampleRow } from '../rows/sample-log.js';
import { duration, formatCell } from '../text-table.js';
import { completionsSection, spread } from './completions.js';
import type { Completion, CompletionsSection, Example, ExamplePart, Fact } from './report-types.js';

/**
 * About `count` rows, spread evenly over the ranking by reward, best first; of equal texts one. Rows
 * that could not be graded come last.
 */
export function pickExamples(rows: readonly SampleRow[], count: number): SampleRow[] {
  const unique = new Map(rows.map((row) => [`${row.prompt}\0${row.completion}`, row]));
  return spread(
    [...unique.values()].sort((a, b) => rewardOf(b) - rewardOf(a)),
    count,
  );
}

export function toExample(row: SampleRow): Example {
  const { facts, ...completion } = toCompletion(row);
  return {
    prompt: row.question ?? row.prompt,
    gold: row.gold ?? null,
    ...completion,
    facts: [{ label: 'step', value: String(row.step) }, ...facts],
  };
}

/** @param file where all rows are */
export function stepCompletions(rows: readonly SampleRow[], file: string): CompletionsSection {
  const steps = [...groupBy(rows, ({ step }) => step)].map(([step, own]) =>
    [...groupBy(own, ({ prompt_id: id }) => id)].map(([, [first, ...others]]) => ({
      label: `step ${step}`,
      group: `step ${step}`,
      prompt: first!.question ?? first!.prompt,
      gold: first!.gold ?? null,
      completions: [first!, ...others].map(toCompletion),
    })),
  );
  return completionsSection({ title: 'Completions by step', units: steps, file });
}

function toCompletion(row: SampleRow): Completion {
  return {
    completion: row.completion,
    correct: row.correct ?? null,
    reward: row.reward,
    parts: rewardParts(row),
    facts: factsOf(row),
  };
}

export const rewardParts = ({
  rewards,
  statuses,
}: Pick<SampleRow, 'rewards' | 'statuses'>): ExamplePart[] =>
  Object.entries(rewards).map(([name, score]) => ({
    name,
    score,
    status: statuses[name] ?? 'ok',
  }));

function factsOf(row: SampleRow): Fact[] {
  const facts: Fact[] = [
    { label: 'tokens', value: String(row.tokens) },
    { label: 'finish', value: row.finish_reason },
  ];
  if (typeof row.advantage === 'number') {
    facts.unshift({ label: 'advantage', value: formatCell(row.advantage) });
  }
  if (row.replaced === true)
    facts.push({ label: 'learnt from', value: 'no: its group was replaced' });
  if (row.logprob_mean !== null) {
    facts.push({ label: 'mean log-probability', value: formatCell(row.logprob_mean) });
  }
  if (row.tool_calls !== undefined) {
    const value = `${row.tool_calls} (${row.tool_failures ?? 0} failed)`;
    facts.push({ label: 'tool calls', value });
  }
  if (row.adapter !== null) facts.push({ label: 'adapter', value: row.adapter.slice(0, 8) });
  facts.push({ label: 'time', value: duration(row.seconds) });
  return [...facts, ...reasonFacts(row)];
}

/** Why a part of the reward has no score. */
export const reasonFacts = ({ reasons = {} }: Pick<SampleRow, 'reasons'>): Fact[] =>
  Object.entries(reasons).map(([label, value]) => ({ label: `why no ${label}:`, value }));

function rewardOf(row: SampleRow): number {
  return row.reward ?? Number.NEGATIVE_INFINITY;
}
