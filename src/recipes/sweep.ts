/**
 * `lorikeet sweep FILE`: stages run once (`shared`), then a set of stages for every point of a grid, in
 * `<root>/<grid values>/<stage>`, and `<root>/sweep.csv`, one row a grid point.
 */
import { join } from 'node:path';
import { writeFileAtomic } from '../util/files.js';
import type { RecipeContext } from './context.js';
import {
  type GridPoint,
  type LoadPipelineOptions,
  pointLabel,
  readSweepFile,
} from './pipeline/file.js';
import type { StageLauncher } from './pipeline/launch.js';
import { fullName, numbersOf } from './pipeline/metrics.js';
import type { PipelineResult } from './pipeline/report.js';
import { type Cell, formatTable } from './pipeline/table.js';
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
  return { ...pipelineOf(file), points: file.points };
}

/** Runs what is not done and writes the table. @throws as `runPipeline`. */
export async function runSweep(
  sweep: Sweep,
  context: RecipeContext,
  launch: StageLauncher,
): Promise<SweepResult> {
  const result = await runPipeline(sweep, context, launch);
  const rows = sweepRows(sweep, result);
  const table = join(sweep.root, 'sweep.csv');
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => header.map((name) => row[name] ?? null));
  writeFileAtomic(table, toCsv(header, cells));
  context.log(formatTable(header, cells));
  return { ...result, table, rows };
}

/** One row a grid point: its values, then `<stage>.<metric>`. */
function sweepRows({ points, metrics }: Sweep, { stages }: PipelineResult) {
  return points.map((point) => {
    const row: Record<string, Cell> = { ...point };
    const prefix = `${pointLabel(point)}/`;
    for (const { name, result } of stages) {
      if (!name.startsWith(prefix)) continue;
      const numbers = numbersOf(result);
      const wanted = metrics.length > 0 ? metrics : [...numbers.keys()];
      for (const metric of wanted) {
        const value = numbers.get(fullName(numbers, metric) ?? '');
        row[`${name.slice(prefix.length)}.${metric}`] = value ?? null;
      }
    }
    return row;
  });
}

const quoted = (cell: Cell): string => {
  const text = String(cell ?? '');
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const toCsv = (header: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [header, ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('');
