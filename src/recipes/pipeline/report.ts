/** What a pipeline says of its stages: `pipeline.json` and the summary table. */
import { join } from 'node:path';
import type { Cell } from '../../report/index.js';
import { type MetricTable, metricColumns, readableTable } from './metric-columns.js';
import { fullName, numbersOf } from './metrics.js';
import type { Stage } from './stages.js';

/** What stands in the root of a pipeline beside its stages. */
export const pipelineFiles = (root: string) => ({
  pipeline: join(root, 'pipeline.json'),
  report: join(root, 'report.html'),
});

export interface StageReport {
  readonly name: string;
  readonly command: string;
  /** `gated`: done, and its gate stopped the pipeline. `waiting`: not reached. */
  readonly status: 'done' | 'skipped' | 'failed' | 'interrupted' | 'gated' | 'waiting';
  readonly seconds: number;
  readonly output: string | null;
  readonly hash: string | null;
  readonly result: unknown;
  /** What the result should reach; empty where the stage has no targets or was not reached. */
  readonly targets: readonly Target[];
}

interface Target {
  readonly text: string;
  /** What it compares, by name; null for what could not be told. */
  readonly values: Readonly<Record<string, number | null>>;
  readonly isMet: boolean;
}

export interface PipelineResult {
  readonly file: string;
  readonly root: string;
  readonly stages: readonly StageReport[];
}

export type ReportParts = Pick<StageReport, 'status' | 'seconds' | 'hash' | 'result'> &
  Partial<Pick<StageReport, 'targets'>>;

export function stageReport(stage: Stage, parts: ReportParts): StageReport {
  const { status, seconds, hash, result, targets = [] } = parts;
  const { id: name, command, output } = stage;
  return { name, command, status, seconds, output, hash, result, targets };
}

function measuredText(value: number | null): string {
  if (value === null) return 'not known';
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
}

/** A target, what was measured for it, and whether that meets it. */
export function targetCells({ text, values, isMet }: Target): [string, string, string] {
  const measured = Object.entries(values).map(([name, value]) => `${name} ${measuredText(value)}`);
  return [text, measured.join(', '), isMet ? 'met' : 'missed'];
}

/** One row a target. */
export const targetTable = (stages: readonly StageReport[]): MetricTable => ({
  header: ['stage', 'target', 'measured', 'result'],
  rows: stages.flatMap(({ name, targets }) =>
    targets.map((target) => [name, ...targetCells(target)]),
  ),
});

/** Columns that every stage has; a metric of such a name is left to the stage's own result. */
const OF_STAGES: readonly string[] = ['stage', 'command', 'status', 'seconds'];

/** One row a stage; the wanted metrics, or every number that some stage has at its top level. */
export function summaryTable(
  { stages }: Pick<PipelineResult, 'stages'>,
  wanted: readonly string[],
): MetricTable {
  const numbers = stages.map(({ result }) => numbersOf(result));
  const topLevel = numbers.flatMap((map) => [...map.keys()].filter((key) => !key.includes('.')));
  const named = wanted.length > 0 ? numbers.flatMap((map) => metricColumns(map, wanted)) : topLevel;
  const columns = [...new Set(named)].filter((column) => !OF_STAGES.includes(column));
  const rows = stages.map(({ name, command, status, seconds }, index): Cell[] => {
    const map = numbers[index] as Map<string, number>;
    const values = columns.map((column) => map.get(fullName(map, column) ?? '') ?? null);
    return [name, command, status, seconds, ...values];
  });
  return readableTable({ header: [...OF_STAGES, ...columns], rows });
}
