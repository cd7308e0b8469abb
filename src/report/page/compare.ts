/** Runs side by side: their last metrics and results, and what differs in their configs. */
import { basename, resolve, sep } from 'node:path';
import { counted } from '../../util/counted.js';
import type { MetricRow, MetricValue } from '../rows/metric-row.js';
import { type ConfigDifference, configDifferences } from '../run/config-differences.js';
import { type RunRows, readRun } from '../run/read-run.js';
import { type Cell, metricCell, shortHash, textTable } from '../text-table.js';
import { pickExamples } from './examples.js';
import { metricCharts } from './metric-charts.js';
import type { LineChart, Report, Section, TableSection } from './report-types.js';

export interface Comparison {
  /** Names of the runs: their paths from the folder that holds them all. */
  readonly names: readonly string[];
  readonly results: ComparisonTable;
  readonly metrics: ComparisonTable;
  readonly config: ComparisonTable;
  readonly report: Report;
}

/** `rows[i][0]` is a name, the rest one cell for each run. */
export interface ComparisonTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * @param extra sections of the page, behind the results
 * @throws InputError when a folder holds no run
 */
export function compareRuns(dirs: readonly string[], extra: readonly Section[] = []): Comparison {
  const runs = dirs.map(readRun);
  const names = shortNames(dirs);
  const table = (head: string, rows: ComparisonTable['rows']) => ({
    header: [head, ...names],
    rows,
  });
  const results = table('result', sideBySide(runs.map(({ record }) => record.results)));
  const metrics = table('metric', sideBySide(runs.map((run) => lastValues(run.metrics))));
  const config = table(
    'config key',
    sharedDifferences(runs).map(({ key, values }) => [key, ...values.map(configCell)]),
  );
  const report = comparisonReport({ names, runs, results, metrics, config, extra });
  return { names, results, metrics, config, report };
}

/** The tables as text, for a console. */
export function comparisonText({
  results,
  metrics,
  config,
}: Pick<Comparison, 'results' | 'metrics' | 'config'>): string {
  return [results, metrics, config]
    .filter(({ rows }) => rows.length > 0)
    .map(({ header, rows }) => textTable(header, shown(rows)))
    .join('\n\n');
}

/** Of different commands the keys that all have: the others are no choice of one against the other. */
function sharedDifferences(runs: readonly RunRows[]): ConfigDifference[] {
  const isOneCommand = new Set(runs.map(({ record }) => record.command)).size === 1;
  const differences = configDifferences(runs.map(({ record }) => record.config));
  return differences.filter(({ values }) => isOneCommand || !values.includes(undefined));
}

type Values = Readonly<Record<string, MetricValue>>;

function sideBySide(columns: readonly Values[]): Cell[][] {
  const keys = new Set(columns.flatMap((column) => Object.keys(column)));
  return [...keys]
    .map((key) => [key, ...columns.map((column) => column[key])])
    .filter(([, ...cells]) => cells.some((cell) => cell !== null && cell !== undefined));
}

/** Of each metric the value in the last row that has it; the clock is none. */
function lastValues(rows: readonly MetricRow[]): Values {
  const last: Record<string, MetricValue> = {};
  for (const { wall_time: _clock, ...metrics } of rows) Object.assign(last, metrics);
  return last;
}

/** For people: hashes by their beginnings, shares in percent. */
const shown = (rows: ComparisonTable['rows']): Cell[][] =>
  rows.map(([name = null, ...cells]) => [
    name,
    ...cells.map((cell) =>
      typeof cell === 'string' ? shortHash(cell) : metricCell(String(name), cell),
    ),
  ]);

const NOT_SET = '(not set)';

function configCell(value: unknown): Cell {
  if (value === undefined) return NOT_SET;
  return typeof value === 'number' ? value : JSON.stringify(value);
}

/** Paths from the folder that holds all of them; numbered where one is given twice. */
export function shortNames(dirs: readonly string[]): string[] {
  const paths = dirs.map((dir) => resolve(dir).split(sep));
  const [one = []] = paths;
  const isShared = (part: string, i: number) =>
    paths.every((path) => path[i] === part && i < path.length - 1);
  const end = one.findIndex((part, i) => !isShared(part, i));
  const names = paths.map((path) => path.slice(end).join('/'));
  if (new Set(names).size === names.length) return names;
  return dirs.map((dir, i) => `${basename(dir)} ${i + 1}`);
}

interface ComparisonParts extends Omit<Comparison, 'report'> {
  readonly runs: readonly RunRows[];
  readonly extra: readonly Section[];
}

function comparisonReport(parts: ComparisonParts): Report {
  const { names, runs, results, metrics, config, extra } = parts;
  const section = (title: string, { header, rows }: ComparisonTable): TableSection => ({
    type: 'table',
    title,
    header,
    rows: shown(rows),
  });
  const isShared = (row: readonly Cell[]) => !row.includes(NOT_SET);
  const differences = { ...config, rows: config.rows.filter(isShared) };
  const others = { ...config, rows: config.rows.filter((row) => !isShared(row)) };
  const sections: Section[] = [
    section('Results', results),
    ...extra,
    { type: 'charts', title: 'Curves', charts: overlayCharts(runs, names) },
    section('Config differences', differences),
    { ...section('Config keys that not all runs have', others), isFolded: true },
    { ...section('Last metrics', metrics), isFolded: true },
    ...runs.flatMap((run, i) => ownSections(run, names[i] ?? run.dir)),
  ];
  return {
    title: `Comparison of ${counted(runs.length, 'run')}`,
    subtitle: names.join(' · '),
    sections,
  };
}

/** Completions shown of each run. */
const EXAMPLES = 4;

function ownSections({ samples, record }: RunRows, name: string): Section[] {
  return [
    { type: 'phases', title: `${name}: where the time went`, phases: record.phases },
    {
      type: 'examples',
      title: `${name}: example completions`,
      examples: pickExamples(samples, EXAMPLES),
    },
  ];
}

/** One chart for each metric that two runs or more have, one series for each of them. */
export function overlayCharts(runs: readonly RunRows[], names: readonly string[]): LineChart[] {
  const charts = new Map<string, LineChart>();
  for (const [i, run] of runs.entries()) {
    for (const chart of metricCharts(run.metrics)) {
      for (const { name, points } of chart.series) {
        const title = chart.series.length === 1 ? chart.title : `${chart.title}: ${name}`;
        const series = charts.get(title)?.series ?? [];
        const own = { name: names[i] ?? run.dir, points };
        charts.set(title, { ...chart, title, series: [...series, own] });
      }
    }
  }
  return [...charts.values()].filter(({ series }) => series.length > 1);
}
