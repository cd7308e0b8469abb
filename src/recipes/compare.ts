/**
 * `lorikeet compare A B…`: results, last metrics and config differences of runs side by side, and their
 * evaluations paired by example against the first.
 */
import { existsSync } from 'node:fs';
import type { CompareConfig } from '../config/index.js';
import {
  type Comparison,
  type ComparisonTable,
  compareRuns,
  comparisonText,
  type Report,
  type Section,
  textTable,
  writeReport,
  writeTable,
} from '../report/index.js';
import { closing } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import { isFolder, pairedInputs, pairedSections } from './compare/paired.js';
import { writeStrategyTable } from './compare/strategy-table.js';
import type { RecipeContext } from './context.js';
import {
  type Paired,
  pairedText,
  shortlyNamed,
  strategyCells,
} from './evaluation/paired-tables.js';
import { holdOutput } from './outputs/rows-output.js';

export interface CompareResult {
  /** Tables of the runs: `rows[i][0]` is a name, the rest one cell for each; null: fewer than two folders. */
  readonly runs: Pick<Comparison, 'results' | 'metrics' | 'config'> | null;
  /** Accuracies by benchmark and strategy, where `table` asks for them. */
  readonly strategies: ComparisonTable | null;
  /** Each input against the first, where both have graded examples. */
  readonly paired: readonly Paired[];
  /** What they are compared by. */
  readonly column: string;
}

export function runCompare(config: CompareConfig, context: RecipeContext): Promise<CompareResult> {
  return closing(async (stack) => {
    for (const key of ['output', 'table'] as const)
      stack.defer(holdOutput({ ...config, output: config[key] }, key));
    return await compared(config, context);
  });
}

async function compared(config: CompareConfig, context: RecipeContext): Promise<CompareResult> {
  for (const input of config.inputs) {
    if (!existsSync(input)) throw new InputError({ where: 'inputs', problem: `no "${input}"` });
  }
  // A table holds several benchmarks, whose examples are not the same.
  const examples = config.table === null ? await pairedInputs(config) : [];
  const paired = examples.map(({ paired: own }) => own);
  const sections = pairedSections(examples, config.column);
  const folders = config.inputs.filter(isFolder);
  const comparison = folders.length > 1 ? compareRuns(folders, sections) : null;
  if (comparison === null && paired.length === 0) {
    throw new InputError({
      where: 'inputs',
      problem: `${config.inputs.join(', ')} have nothing to compare`,
      remedy: 'Give run folders, or CSV files of evaluations, two or more',
    });
  }
  const strategies = config.table === null ? null : writeStrategyTable(config.table, config.inputs);
  if (config.table !== null) context.log(`table in ${config.table}`);
  if (config.output !== null) {
    if (config.output.endsWith('.html')) {
      writeReport(config.output, comparison?.report ?? pairedReport(config.inputs, sections));
    } else {
      writeCsv(config.output, comparison, paired);
    }
    context.log(`comparison in ${config.output}`);
  }
  const runs = comparison === null ? null : tablesOf(comparison);
  return { runs, strategies, paired, column: config.column };
}

const tablesOf = ({ results, metrics, config }: Comparison) => ({ results, metrics, config });

/** The tables as text, for a console. */
export function compareText(result: CompareResult): string {
  const { runs } = result;
  return [...(runs === null ? [] : [comparisonText(runs)]), ...examplesText(result)].join('\n\n');
}

/** Those of examples and of `table`. */
export function examplesText({
  strategies = null,
  paired = [],
}: Partial<Pick<CompareResult, 'strategies' | 'paired'>>): string[] {
  return [
    ...(paired.length > 0 ? [pairedText(paired)] : []),
    ...(strategies === null ? [] : [textTable(strategies.header, strategyCells(strategies.rows))]),
  ];
}

/** Of files, which have no results, metrics or config. */
const pairedReport = (inputs: readonly string[], sections: readonly Section[]): Report => ({
  title: `Comparison of ${counted(inputs.length, 'evaluation')}`,
  subtitle: inputs.join(' · '),
  sections,
});

function writeCsv(output: string, comparison: Comparison | null, paired: readonly Paired[]): void {
  const rows = comparison === null ? [] : tableRows(comparison);
  const columns = comparison === null ? [] : ['kind', 'name', ...comparison.names];
  writeTable(output, [...rows, ...pairedRows(paired)], columns);
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
  shortlyNamed(paired).map(({ a, b, ...numbers }) => ({
    kind: 'paired',
    name: `${b} − ${a}`,
    ...numbers,
  }));
