/** A report as plain data: recipes compose sections, `renderReport` draws them. */
import type { Cell } from './text-table.js';

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

export interface ExamplesSection {
  readonly type: 'examples';
  readonly title: string;
  readonly examples: readonly Example[];
  readonly note?: string;
}

/** Folded text, such as the config. */
export interface TextSection {
  readonly type: 'text';
  readonly title: string;
  readonly text: string;
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

/** One value with its interval a line, on an axis from 0 to 1 in percent. */
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

export interface Example {
  readonly prompt: string;
  readonly completion: string;
  readonly gold?: string | null;
  readonly correct?: boolean | null;
  readonly reward: number | null;
  readonly parts: readonly ExamplePart[];
  /** Step, finish reason, tokens, … */
  readonly facts: readonly Fact[];
}

export interface ExamplePart {
  readonly name: string;
  readonly score: number | null;
  readonly status: string;
}
