/** A report as plain data: recipes compose sections, `renderReport` draws them. */
import type { Cell } from '../text-table.js';

export interface Report {
  readonly title: string;
  readonly subtitle?: string;
  readonly sections: readonly Section[];
}

export type Section =
  | FactsSection
  | TableSection
  | ChartsSection
  | PhasesSection
  | ExamplesSection
  | CompletionsSection
  | TextSection;

interface Titled<Type extends string> {
  readonly type: Type;
  readonly title: string;
}

interface Part<Type extends string> extends Titled<Type> {
  /** Said under the title. */
  readonly note?: string;
}

/** Headline numbers. */
export interface FactsSection extends Part<'facts'> {
  readonly facts: readonly Fact[];
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface TableSection extends Part<'table'> {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Shown when asked for. */
  readonly isFolded?: boolean;
}

export interface ChartsSection extends Part<'charts'> {
  readonly charts: readonly Chart[];
}

/** Seconds by phase, as one bar. */
export interface PhasesSection extends Part<'phases'> {
  readonly phases: Readonly<Record<string, number>>;
}

interface ExamplesSection extends Part<'examples'> {
  readonly examples: readonly Example[];
}

/**
 * Completions to read through, each prompt opened when asked for, with a filter and a search. They stand behind
 * all other sections of the page.
 */
export interface CompletionsSection extends Part<'completions'> {
  readonly prompts: readonly PromptCompletions[];
}

export interface PromptCompletions {
  /** What tells the prompt from the others, such as an id. */
  readonly label: string;
  /** What the filter has prompts together by, such as a step. */
  readonly group?: string;
  readonly prompt: string;
  readonly gold?: string | null;
  readonly completions: readonly Completion[];
}

/** Text, such as the config; folded unless `isOpen`. */
export interface TextSection extends Part<'text'> {
  readonly text: string;
  readonly isOpen?: boolean;
}

export type Chart = LineChart | HistogramChart | IntervalChart;

export interface LineChart extends Titled<'lines'> {
  readonly series: readonly Series[];
  /** Name of the x axis; `step` by default. */
  readonly xName?: string;
  /** A moving average over each series of many points. */
  readonly isSmoothed?: boolean;
}

export interface Series {
  readonly name: string;
  /** (x, y); a null y is a gap. */
  readonly points: readonly (readonly [number, number | null])[];
}

export interface HistogramChart extends Titled<'histogram'> {
  readonly values: readonly number[];
  readonly xName: string;
}

/** One value with its interval a line, on an axis in percent that begins at 0, or at −100 % for differences. */
export interface IntervalChart extends Titled<'intervals'> {
  readonly items: readonly IntervalItem[];
}

export interface IntervalItem {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A completion with what came of it. */
export interface Completion {
  readonly completion: string;
  /** Whose it is, where a prompt has those of several models. */
  readonly name?: string;
  readonly correct?: boolean | null;
  /** Null when it could not be graded; absent where no rewards were asked for. */
  readonly reward?: number | null;
  readonly parts: readonly ExamplePart[];
  /** Step, finish reason, tokens, … */
  readonly facts: readonly Fact[];
}

export interface Example extends Completion {
  readonly prompt: string;
  readonly gold?: string | null;
}

export interface ExamplePart {
  readonly name: string;
  readonly score: number | null;
  readonly status: string;
}
