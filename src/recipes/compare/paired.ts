/** Evaluations paired by example: each input against the first, as numbers, as text, and on a page. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CompareConfig } from '../../config/index.js';
import { loadRows } from '../../data/index.js';
import {
  type ComparedRow,
  compareEvaluations,
  compareScores,
  disagreements,
  type EvaluationComparison,
  type ScoreComparison,
} from '../../evaluate/index.js';
import {
  type ComparisonTable,
  completionsSection,
  percent,
  readRunRecord,
  type Section,
  shortNames,
  shownPrompts,
  textTable,
} from '../../report/index.js';

export interface Paired extends EvaluationComparison, Partial<ScoreComparison> {
  readonly a: string;
  readonly b: string;
}

/** Two inputs with their comparison. */
export interface PairedInputs {
  readonly paired: Paired;
  readonly rowsA: readonly ComparedRow[];
  readonly rowsB: readonly ComparedRow[];
}

export const isFolder = (path: string): boolean => statSync(path).isDirectory();

/** Nothing where the first input holds no evaluation. @throws InputError on examples that are not the same */
export async function pairedInputs({ inputs, column }: CompareConfig): Promise<PairedInputs[]> {
  const [a, ...others] = inputs as [string, ...string[]];
  const rowsA = await evaluationRows(a);
  if (rowsA === null) return [];
  const out: PairedInputs[] = [];
  for (const b of others) {
    const rowsB = await evaluationRows(b);
    if (rowsB === null) continue;
    const evaluations = compareEvaluations(rowsA, rowsB, column);
    const paired = { a, b, ...evaluations, ...compareScores(rowsA, rowsB) };
    out.push({ paired, rowsA, rowsB });
  }
  return out;
}

/** Rows of the evaluation that an input holds; null: it holds none. */
async function evaluationRows(input: string): Promise<readonly ComparedRow[] | null> {
  const file = evaluationFile(input);
  return file === null ? null : (await loadRows(file, { format: 'plain' })).rows;
}

function evaluationFile(input: string): string | null {
  if (!isFolder(input)) return input;
  const record = readRunRecord(input);
  const own = record?.files.find((file) => file.endsWith(`${record.run_id}.csv`));
  return own === undefined ? null : join(input, own);
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
    unmatched === 0 ? [] : [`${unmatched} graded completions are in ${a} or in ${b} only.`],
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

/** Of a page: the tables, the differences as a chart, and the completions that only one has right. */
export function pairedSections(pairs: readonly PairedInputs[], column: string): Section[] {
  const paired = shortlyNamed(pairs.map(({ paired: own }) => own));
  const note = [
    `Column ${column}, example by example; p is that of McNemar's exact test, or of the sign test where an example has several samples.`,
    ...unmatchedLines(paired),
  ].join(' ');
  const items = paired.map(({ b, ...pair }) => ({
    label: b,
    value: pair.difference,
    low: pair.difference_low,
    high: pair.difference_high,
  }));
  const title = `Difference from ${paired[0]?.a}`;
  return [
    { type: 'table', title: 'Paired examples', ...sharesTable(paired), note },
    {
      type: 'charts',
      title: 'Paired differences',
      note: 'Lines are 95% intervals.',
      charts: [{ type: 'intervals', title, items }],
    },
    { type: 'table', title: 'Paired scores', ...scoresTable(paired) },
    ...pairs.map(({ rowsA, rowsB }, i) => {
      const { a, b } = paired[i]!;
      return completionsSection({
        title: `${a} against ${b}: examples that one has right`,
        ...shownPrompts(disagreements(rowsA, rowsB, { names: [a, b], column }).map((one) => [one])),
        file: 'the inputs',
      });
    }),
  ];
}

/** By the names that runs have in tables and on pages. */
export function shortlyNamed(paired: readonly Paired[]): Paired[] {
  const [first] = paired;
  if (first === undefined) return [];
  const [a = first.a, ...others] = shortNames([first.a, ...paired.map(({ b }) => b)]);
  return paired.map((pair, i) => ({ ...pair, a, b: others[i] ?? pair.b }));
}
