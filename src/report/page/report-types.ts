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

/** Headline numbers. */
export interface FactsSection {
  readonly type: 'facts';
  readonly title: string;
  readonly facts: readonly Fact[];
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface TableSection {
  readonly type: 'table';
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly note?: string;
  /** Shown when asked for. */
  readonly isFolded?: boolean;
}

export interface ChartsSection {
  readonly type: 'charts';
  readonly title: string;
  readonly charts: readonly Chart[];
  readonly note?: string;
}

/** Seconds by phase, as one bar. */
export interface PhasesSection {
  readonly type: 'phases';
  readonly title: string;
  readonly phases: Readonly<Record<string, number>>;
}

interface ExamplesSection {
  readonly type: 'examples';
  readonly title: string;
  readonly examples: readonly Example[];
  readonly note?: string;
}

/**
 * Completions to read through, each prompt opened when asked for, with a filter and a search. They stand behind
 * all other sections of the page.
 */
export interface CompletionsSection {
  readonly type: 'completions';
  readonly title: string;
  readonly note?: string;
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
export interface TextSection {
  readonly type: 'text';
  readonly title: string;
  readonly text: string;
  readonly isOpen?: boolean;
}

export type Chart = LineChart | HistogramChart | IntervalChart;

export interface LineChart {
  readonly type: 'lines';
  readonly title: string;
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

export interface HistogramChart {
  readonly type: 'histogram';
  readonly title: string;
  readonly values: readonly number[];
  readonly xName: string;
}

/** One value with its interval a line, on an axis in percent that begins at 0, or at −100 % for differences. */
export interface IntervalChart {
  readonly type: 'intervals';
  readonly title: string;
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
