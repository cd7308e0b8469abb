/** Completions of a run for its report: the best, the middle and the worst, and those of its steps. */
import { groupBy } from '../../util/group.js';
import type { SampleRow } from '../rows/sample-row.js';
import type { Samples } from '../rows/sample-rows.js';
import { duration, formatCell } from '../text-table.js';
import { completionsSection, shownPrompts, spread } from './completions.js';
import type {
  Completion,
  CompletionsSection,
  Example,
  ExamplePart,
  Fact,
  PromptCompletions,
} from './report-types.js';

/**
 * About `count` completions, spread evenly over the ranking by reward, best first; of equal texts one. Those that
 * could not be graded come last.
 */
export function pickExamples({ outlines, rowsAt }: Samples, count: number): Example[] {
  const unique = new Map(outlines.map(({ text }, place) => [text, place]));
  const rewardOf = (place: number) => outlines[place]!.reward ?? Number.NEGATIVE_INFINITY;
  const ranked = [...unique.values()].sort((a, b) => rewardOf(b) - rewardOf(a));
  const chosen = spread(ranked, count);
  const rows = rowsAt(chosen);
  return chosen.flatMap((place) => rows.get(place) ?? []).map(toExample);
}

function toExample(row: SampleRow): Example {
  const { facts, ...completion } = toCompletion(row);
  return {
    prompt: row.question ?? row.prompt,
    gold: row.gold ?? null,
    ...completion,
    facts: [{ label: 'step', value: String(row.step) }, ...facts],
  };
}

/** @param file where all rows are */
export function stepCompletions(samples: Samples, file: string): CompletionsSection {
  const { outlines, rowsAt } = samples;
  const steps = [...groupBy(outlines.keys(), (place) => outlines[place]!.step).values()].map(
    (own) =>
      [...groupBy(own, (place) => outlines[place]!.prompt_id).values()].map((completions) => ({
        completions,
      })),
  );
  const { prompts, total } = shownPrompts(steps);
  const rows = rowsAt(prompts.flatMap(({ completions }) => completions));
  const shown = prompts.flatMap(({ completions }) => {
    const [first, ...others] = completions.flatMap((place) => rows.get(place) ?? []);
    return first === undefined ? [] : [promptOf(first, others)];
  });
  return completionsSection({ title: 'Completions by step', prompts: shown, total, file });
}

function promptOf(first: SampleRow, others: readonly SampleRow[]): PromptCompletions {
  const step = `step ${first.step}`;
  return {
    label: step,
    group: step,
    prompt: first.question ?? first.prompt,
    gold: first.gold ?? null,
    completions: [first, ...others].map(toCompletion),
  };
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
  Object.entries(rewards).map(([name, score]) => ({ name, score, status: statuses[name] ?? 'ok' }));

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
