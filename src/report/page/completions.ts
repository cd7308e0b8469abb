/** Which of many completions a page shows, and how much of a long text. */
import { counted } from '../../util/counted.js';
import { sum } from '../../util/numbers.js';
import type { Completion, CompletionsSection, PromptCompletions } from './report-types.js';

/** Completions of one section. */
const MOST = 400;
/** Characters shown of a text: its beginning and its end. */
const PROMPT = { head: 2000, tail: 1000 };
const COMPLETION = { head: 4000, tail: 2000 };

/** `count` items at even distances, the first and the last among them; all where there are no more. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  const places = Array.from({ length: count }, (_, i) =>
    Math.round((i * (items.length - 1)) / Math.max(1, count - 1)),
  );
  return places.map((place) => items[place]!);
}

interface Prompt {
  readonly completions: readonly unknown[];
}

/** What a section shows, and of how many completions. */
export interface ShownPrompts<T extends Prompt = PromptCompletions> {
  readonly prompts: readonly T[];
  readonly total: number;
}

/**
 * 400 completions at most. Of more, whole units are shown, spread evenly; of a unit that is too large itself, its
 * first ones.
 * @param units Prompts that are shown together or not at all: those of a step, or each alone.
 */
export function shownPrompts<T extends Prompt>(units: readonly (readonly T[])[]): ShownPrompts<T> {
  const total = countOf(units.flat());
  const kept = Math.max(2, Math.floor((MOST * units.length) / Math.max(1, total)));
  const chosen = spread(units, kept);
  const share = Math.floor(MOST / Math.max(1, chosen.length));
  return { prompts: chosen.flatMap((unit) => firstOf(unit, share)), total };
}

const countOf = (prompts: readonly Prompt[]): number =>
  sum(prompts.map(({ completions }) => completions.length));

/** The first prompts of a unit, with `count` completions together. */
function firstOf<T extends Prompt>(unit: readonly T[], count: number): T[] {
  let left = count;
  return unit.flatMap((prompt) => {
    const completions = prompt.completions.slice(0, left);
    left -= completions.length;
    return completions.length === 0 ? [] : [{ ...prompt, completions }];
  });
}

export function completionsSection({
  title,
  prompts,
  total,
  file,
}: ShownPrompts & {
  readonly title: string;
  /** Where all of them are, as the note names it. */
  readonly file: string;
}): CompletionsSection {
  const shown = countOf(prompts);
  const note =
    shown === total
      ? `All ${total}; the rows are in ${file}.`
      : `${shown} of ${total}, spread evenly, ${total - shown} left out; all rows are in ${file}.`;
  return { type: 'completions', title, note, prompts: prompts.map(withoutMiddles) };
}

const withoutMiddles = (prompt: PromptCompletions): PromptCompletions => ({
  ...prompt,
  prompt: withoutMiddle(prompt.prompt, PROMPT),
  completions: prompt.completions.map(
    (one): Completion => ({ ...one, completion: withoutMiddle(one.completion, COMPLETION) }),
  ),
});

/** A long text without its middle, which a line says. */
function withoutMiddle(text: string, { head, tail }: { head: number; tail: number }): string {
  const cut = text.length - head - tail;
  if (cut <= 0) return text;
  return `${text.slice(0, head)}\n[… ${counted(cut, 'character')} left out …]\n${text.slice(-tail)}`;
}
