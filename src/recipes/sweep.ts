/**
 * `lorikeet sweep FILE`: stages run once (`shared`), then a set of stages for every point of a grid, in
 * `<root>/<grid values>/<stage>`, and `<root>/sweep.csv`, one row a grid point.
 */
import { join } from 'node:path';
import type { Cell, Section } from '../report/index.js';
import type { RecipeContext } from './context.js';
import { readSweepFile } from './pipeline/file.js';
import { type GridPoint, pointLabel } from './pipeline/grid.js';
import type { LoadPipelineOptions } from './pipeline/head.js';
import type { StageLauncher } from './pipeline/launch.js';
import { metricColumns, readableTable } from './pipeline/metric-columns.js';
import { fullName, numbersOf } from './pipeline/metrics.js';
import type { PipelineResult } from './pipeline/report.js';
import { type Pipeline, pipelineOf, runPipeline } from './pipeline.js';

export interface Sweep extends Pipeline {
  readonly points: readonly GridPoint[];
}

export interface SweepResult extends PipelineResult {
  /** Path of the table. */
  readonly table: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

/** @throws InputError with `file:line`. */
export function loadSweep(options: LoadPipelineOptions): Sweep {
  const file = readSweepFile(options);
  const sweep = { ...pipelineOf(file), points: file.points };
  return {
    ...sweep,
    title: 'Sweep',
    moreFiles: [tableFile(sweep)],
    sections: (result) => [gridTable(sweep, result)],
    writeMore: (result, context) => writeGrid(sweep, result, context),
  };
}

/** Runs what is not done and writes the table, also when a stage stops the run. @throws as `runPipeline`. */
export async function runSweep(
  sweep: Sweep,
  context: RecipeContext,
  launch: StageLauncher,
): Promise<SweepResult> {
  const result = await runPipeline(sweep, context, launch);
  return { ...result, table: tableFile(sweep), rows: sweepRows(sweep, result) };
}

const tableFile = ({ root }: Pipeline): string => join(root, 'sweep.csv');

async function writeGrid(sweep: Sweep, result: PipelineResult, { log }: RecipeContext) {
  const { textTable, writeTable } = await import('../report/index.js');
  writeTable(tableFile(sweep), sweepRows(sweep, result));
  const { header, rows } = gridTable(sweep, result);
  log(`\n${textTable(header, rows)}`);
}

function gridTable(sweep: Sweep, result: PipelineResult) {
  const rows = sweepRows(sweep, result);
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => header.map((name) => row[name] ?? null));
  const table = readableTable({ header, rows: cells });
  return { type: 'table', title: 'Grid', ...table } as const satisfies Section;
}

/** One row a grid point: its values, then `<stage>.<metric>`, those that a point has at least. */
function sweepRows(sweep: Sweep, result: PipelineResult) {
  const rows = pointRows(sweep, result);
  const kept = new Set(sweep.points.flatMap((point) => Object.keys(point)));
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) if (value !== null) kept.add(name);
  }
  const ofKept = ([name]: readonly [string, Cell]) => kept.has(name);
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(ofKept)));
}

function pointRows({ points, metrics }: Sweep, { stages }: PipelineResult) {
  return points.map((point) => {
    const row: Record<string, Cell> = { ...point };
    const prefix = `${pointLabel(point)}/`;
    for (const { name, result } of stages) {
      const stage = name.slice(prefix.length);
      // The folder of another point may lie below this one's: a/b below a.
      if (!name.startsWith(prefix) || stage.includes('/')) continue;
      const numbers = numbersOf(result);
      const wanted = metrics.length > 0 ? metricColumns(numbers, metrics) : [...numbers.keys()];
      for (const metric of wanted) {
        const value = numbers.get(fullName(numbers, metric) ?? '');
        row[`${stage}.${metric}`] = value ?? null;
      }
    }
    return row;
  });
}
