/** Evaluations paired by example as tables and a chart, for a console and for pages. */
import type { EvaluationComparison, ScoreComparison } from '../../evaluate/index.js';
import {
  type Cell,
  type ComparisonTable,
  percent,
  type Section,
  shortNames,
  textTable,
} from '../../report/index.js';
import { counted } from '../../util/counted.js';

export interface Paired extends EvaluationComparison, Partial<ScoreComparison> {
  readonly a: string;
  readonly b: string;
}

/** The tables as text, for a console. */
export function pairedText(pairs: readonly Paired[]): string {
  const paired = shortlyNamed(pairs);
  const [shares, scores] = [sharesTable(paired), scoresTable(paired)];
  const tables = [[textTable(shares.header, shares.rows), ...unmatchedLines(paired)].join('\n')];
  if (scores.rows.length > 0) tables.push(textTable(scores.header, scores.rows));
  return tables.join('\n\n');
}

const unmatchedLines = (paired: readonly Paired[]): string[] =>
  paired.flatMap(({ a, b, unmatched }) =>
    unmatched === 0 ? [] : [`In ${a} or in ${b} only: ${counted(unmatched, 'graded completion')}.`],
  );

function sharesTable(paired: readonly Paired[]): ComparisonTable {
  return {
    header: ['a', 'b', 'examples', 'share a', 'share b', 'b − a', '95% interval', 'p'],
    rows: paired.map((pair) => [
      pair.a,
      pair.b,
      pair.examples,
      percent(pair.share_a),
      percent(pair.share_b),
      percent(pair.difference),
      `${percent(pair.difference_low)} – ${percent(pair.difference_high)}`,
      pair.p_value.toPrecision(3),
    ]),
  };
}

/** Mean scores, of the pairs that have them. */
function scoresTable(paired: readonly Paired[]): ComparisonTable {
  return {
    header: ['a', 'b', 'score a', 'score b', 'b − a', '95% interval'],
    rows: paired.flatMap((pair) => {
      const { score_a, score_b, score_difference, score_difference_low: low = 0 } = pair;
      if (score_a === undefined || score_b === undefined || score_difference === undefined) {
        return [];
      }
      const numbers = [score_a, score_b, score_difference].map((value) => value.toFixed(4));
      const { score_difference_high: high = 0 } = pair;
      return [[pair.a, pair.b, ...numbers, `${low.toFixed(4)} – ${high.toFixed(4)}`]];
    }),
  };
}

/** Of a page: the tables, and the differences as a chart. */
export function pairedTables(pairs: readonly Paired[], column: string): Section[] {
  const paired = shortlyNamed(pairs);
  const items = paired.map(({ b, ...pair }) => ({
    label: b,
    value: pair.difference,
    low: pair.difference_low,
    high: pair.difference_high,
  }));
  const title = `Difference from ${paired[0]?.a}`;
  return [
    {
      type: 'table',
      title: 'Paired examples',
      ...sharesTable(paired),
      note: [`Column ${column}, example by example; ${TEST_NOTE}`, ...unmatchedLines(paired)].join(
        ' ',
      ),
    },
    {
      type: 'charts',
      title: 'Paired differences',
      note: 'Lines are 95% intervals.',
      charts: [{ type: 'intervals', title, items }],
    },
    { type: 'table', title: 'Paired scores', ...scoresTable(paired) },
  ];
}

const TEST_NOTE =
  "p is that of McNemar's exact test, or of the sign test where an example has several samples.";

/** Accuracies in percent, in a table whose numbers after the second column are accuracies. */
export const strategyCells = (rows: ComparisonTable['rows']): Cell[][] =>
  rows.map(([benchmark = null, n = null, ...accuracies]) => [
    benchmark,
    n,
    ...accuracies.map((value) => (typeof value === 'number' ? percent(value) : '')),
  ]);

/** By the names that runs have in tables and on pages. */
export function shortlyNamed(paired: readonly Paired[]): Paired[] {
  const [first] = paired;
  if (first === undefined) return [];
  const [a = first.a, ...others] = shortNames([first.a, ...paired.map(({ b }) => b)]);
  return paired.map((pair, i) => ({ ...pair, a, b: others[i] ?? pair.b }));
}
