/**
 * `lorikeet compare A B…`: results, last metrics and config differences of runs side by side, and their
 * evaluations paired by example against the first.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CompareConfig } from '../config/index.js';
import { loadRows } from '../data/index.js';
import {
  type ComparedRow,
  compareEvaluations,
  compareScores,
  type EvaluationComparison,
  type ScoreComparison,
} from '../evaluate/index.js';
import {
  type Comparison,
  compareRuns,
  comparisonText,
  percent,
  readRunRecord,
  textTable,
  writeReport,
  writeTable,
} from '../report/index.js';
import { InputError } from '../util/errors.js';
import { writeStrategyTable } from './compare/strategy-table.js';
import type { RecipeContext } from './context.js';
import { checkOutput } from './outputs/rows-output.js';

interface Paired extends EvaluationComparison, Partial<ScoreComparison> {
  readonly a: string;
  readonly b: string;
}

export interface CompareResult {
  /** Tables of the runs: `rows[i][0]` is a name, the rest one cell for each; null: fewer than two folders. */
  readonly runs: Pick<Comparison, 'results' | 'metrics' | 'config'> | null;
  /** Accuracies by strategy as text, where `table` asks for them. */
  readonly strategies: string | null;
  /** Each input against the first, where both have graded examples. */
  readonly paired: readonly Paired[];
}

export async function runCompare(
  config: CompareConfig,
  context: RecipeContext,
): Promise<CompareResult> {
  checkOutput(config);
  checkOutput({ ...config, output: config.table });
  for (const input of config.inputs) {
    if (!existsSync(input)) throw new InputError({ where: 'inputs', problem: `no "${input}"` });
  }
  const folders = config.inputs.filter(isFolder);
  const comparison = folders.length > 1 ? compareRuns(folders) : null;
  // A table holds several benchmarks, whose examples are not the same.
  const paired = config.table === null ? await pairedComparisons(config) : [];
  if (comparison === null && paired.length === 0) {
    throw new InputError({
      where: 'inputs',
      problem: `${config.inputs.join(', ')} have nothing to compare`,
      remedy: 'Give run folders, or CSV files of evaluations, two or more',
    });
  }
  const strategies = config.table === null ? null : writeStrategyTable(config.table, config.inputs);
  if (config.output !== null) write(config.output, comparison, paired, context);
  return { runs: comparison === null ? null : tablesOf(comparison), strategies, paired };
}

const tablesOf = ({ results, metrics, config }: Comparison) => ({ results, metrics, config });

/** The tables as text, for a console. */
export function compareText({ runs, strategies, paired }: CompareResult): string {
  return [
    ...(runs === null ? [] : [comparisonText(runs)]),
    ...(paired.length > 0 ? [pairedText(paired)] : []),
    ...(strategies === null ? [] : [strategies]),
  ].join('\n\n');
}

const isFolder = (path: string) => statSync(path).isDirectory();

function write(
  output: string,
  comparison: Comparison | null,
  paired: readonly Paired[],
  context: RecipeContext,
): void {
  if (output.endsWith('.html')) {
    if (comparison === null) {
      throw new InputError({ where: 'output', problem: 'a page needs run folders as inputs' });
    }
    writeReport(output, comparison.report);
  } else {
    const rows = comparison === null ? [] : tableRows(comparison);
    const columns = comparison === null ? [] : ['kind', 'name', ...comparison.names];
    writeTable(output, [...rows, ...pairedRows(paired)], columns);
  }
  context.log(`comparison in ${output}`);
}

/** Rows of the evaluation that an input holds; null: it holds none. */
async function evaluationRows(input: string): Promise<readonly ComparedRow[] | null> {
  const file = evaluationFile(input);
  return file === null ? null : (await loadRows(file)).rows;
}

function evaluationFile(input: string): string | null {
  if (!isFolder(input)) return input;
  const record = readRunRecord(input);
  const own = record?.files.find((file) => file.endsWith(`${record.run_id}.csv`));
  return own === undefined ? null : join(input, own);
}

async function pairedComparisons({ inputs, column }: CompareConfig): Promise<Paired[]> {
  const [first, ...others] = inputs as [string, ...string[]];
  const baseline = await evaluationRows(first);
  if (baseline === null) return [];
  const out: Paired[] = [];
  for (const other of others) {
    const rows = await evaluationRows(other);
    if (rows === null) continue;
    const evaluations = compareEvaluations(baseline, rows, column);
    out.push({ a: first, b: other, ...evaluations, ...compareScores(baseline, rows) });
  }
  return out;
}

function pairedText(paired: readonly Paired[]): string {
  const header = ['a', 'b', 'examples', 'share a', 'share b', 'b − a', '95% interval', 'p'];
  const rows = paired.map((pair) => [
    pair.a,
    pair.b,
    pair.examples,
    percent(pair.accuracy_a),
    percent(pair.accuracy_b),
    percent(pair.difference),
    `${percent(pair.difference_low)} – ${percent(pair.difference_high)}`,
    pair.p_value.toPrecision(3),
  ]);
  const scores = paired.flatMap(scoreRow);
  const scoreHeader = ['a', 'b', 'score a', 'score b', 'b − a', '95% interval'];
  const alone = paired.flatMap(({ a, b, unmatched }) =>
    unmatched === 0 ? [] : [`${unmatched} graded completions are in ${a} or in ${b} only.`],
  );
  const tables = [[textTable(header, rows), ...alone].join('\n')];
  if (scores.length > 0) tables.push(textTable(scoreHeader, scores));
  return tables.join('\n\n');
}

/** Mean scores of a pair, where both have them. */
function scoreRow(pair: Paired): string[][] {
  const { score_a, score_b, score_difference, score_difference_low: low = 0 } = pair;
  if (score_a === undefined || score_b === undefined || score_difference === undefined) return [];
  const numbers = [score_a, score_b, score_difference].map((value) => value.toFixed(4));
  const { score_difference_high: high = 0 } = pair;
  return [[pair.a, pair.b, ...numbers, `${low.toFixed(4)} – ${high.toFixed(4)}`]];
}

/** One row per result, metric or config key; one column per run. */
function tableRows({ results, metrics, config }: Comparison) {
  return Object.entries({ results, metrics, config }).flatMap(([kind, { header, rows }]) =>
    rows.map(([name, ...cells]) => ({
      kind,
      name,
      ...Object.fromEntries(cells.map((cell, i) => [String(header[i + 1]), cell])),
    })),
  );
}

const pairedRows = (paired: readonly Paired[]) =>
  paired.map(({ a, b, ...numbers }) => ({ kind: 'paired', name: `${b} − ${a}`, ...numbers }));
