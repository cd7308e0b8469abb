/** Metrics for people: the text of `…_metrics.txt`, and a table of several evaluations. */
import { type Cell, formatCell, percent, textTable } from '../report/index.js';
import { counted } from '../util/counted.js';
import type { GroupTable } from './group-tables.js';
import type { EvalMetrics } from './metrics.js';

/** Lines `Name: value`, the headline first. */
export function evalSummary(title: string, metrics: EvalMetrics): string {
  const { samples_per_example: samples } = metrics;
  const passAt = Object.entries(metrics).filter(([name]) => /^(?:pass|maj)@/.test(name));
  const lines: [string, string][] = [
    [
      'Examples',
      `${metrics.eval_size}${samples > 1 ? `, ${counted(samples, 'sample')} each` : ''}`,
    ],
    ['Accuracy', accuracyText(metrics.accuracy, metrics.accuracy_low, metrics.accuracy_high)],
    ['Correct', `${metrics.correct} of ${metrics.graded}`],
    ...(metrics.status_ok === undefined ? [flexibleLine(metrics)] : []),
    ...passAt.map(([name, value]): [string, string] => [name, percent(value)]),
    ['Thinking proportion', percent(metrics.thinking_proportion)],
    ['Answer proportion', percent(metrics.answer_proportion)],
    ['Format rate', percent(metrics.format_rate)],
    ['Truncation rate', percent(metrics.truncation_rate)],
    ['Mean length', `${metrics.mean_length.toFixed(1)} tokens`],
    ['Longest', counted(metrics.max_length, 'token')],
  ];
  const { mean_score: score, mean_score_low: low = 0, mean_score_high: high = 1 } = metrics;
  if (score !== undefined) lines.push(['Mean score', scoreWithInterval(score, low, high)]);
  if (metrics.status_ok !== undefined) lines.push(['Grades', statusLine(metrics)]);
  if (metrics.mean_reward !== null) lines.push(['Mean reward', formatCell(metrics.mean_reward)]);
  if (metrics.ungraded > 0) {
    const why = metrics.status_ok === undefined ? 'a gold answer' : 'a score';
    lines.push(['Not graded', `${counted(metrics.ungraded, 'completion')} without ${why}`]);
  }
  for (const [key, count] of Object.entries(metrics)) {
    const [, kind, name] = /^(reward|part)s\/(.+)\/ungraded$/.exec(key) ?? [];
    if (name !== undefined) lines.push([`Without ${kind} ${name}`, counted(count, 'completion')]);
  }
  lines.push(['Seconds', metrics.seconds.toFixed(1)]);
  return [title, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\n');
}

type Share = number | null;

function accuracyText(share: Share, low: Share, high: Share): string {
  if (share === null || low === null || high === null) return 'nothing could be graded';
  return withInterval(share, low, high);
}

function withInterval(share: number, low: number, high: number): string {
  return `${percent(share)} (95% interval ${percent(low)} to ${percent(high)})`;
}

/** A grader object gives one verdict, strict and flexible. */
function flexibleLine(metrics: EvalMetrics): [string, string] {
  const { flexible_accuracy: share } = metrics;
  const interval = [metrics.flexible_accuracy_low, metrics.flexible_accuracy_high] as const;
  return ['Flexible accuracy', accuracyText(share, ...interval)];
}

/** Scores of other ranges than 0 to 1 are no shares. */
function scoreWithInterval(score: number, low: number, high: number): string {
  if (low >= 0 && high <= 1) return withInterval(score, low, high);
  return `${formatCell(score)} (95% interval ${formatCell(low)} to ${formatCell(high)})`;
}

function statusLine(metrics: EvalMetrics): string {
  const { status_ok: ok, status_timeout: timeout, status_error: error } = metrics;
  return `${ok} ok, ${timeout} timeout, ${error} error, ${metrics.status_skipped} skipped`;
}

/** A text table for each column: accuracy by level, by subject. */
export function groupSummary(tables: readonly GroupTable[]): string {
  return tables
    .map((table) => {
      const { header, rows } = groupTableCells(table);
      return textTable(header, rows);
    })
    .join('\n\n');
}

/** The table of one column, for consoles and reports. */
export function groupTableCells({ column, rows }: GroupTable): Table {
  return {
    header: [column, 'n', 'accuracy', '95% interval', 'flexible'],
    rows: rows.map((row) => [
      row.value,
      row.n,
      percent(row.accuracy),
      `${percent(row.accuracy_low)} to ${percent(row.accuracy_high)}`,
      percent(row.flexible_accuracy),
    ]),
  };
}

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}
