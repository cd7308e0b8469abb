/** The per-example CSV and the summary of a stage: `debug/<stage>_<run_id>.csv`, `…_metrics.txt`. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../util/files.js';
import { type TableRow, writeTable } from '../rows/csv.js';
import type { RunFolder } from './run-folder.js';
import { RUN_NAMES } from './run-paths.js';

export interface DebugFiles {
  readonly csv: string;
  readonly metrics: string;
}

export interface DebugContent {
  readonly stage: string;
  readonly rows: readonly TableRow[];
  /** Text of the metrics file. */
  readonly summary: string;
}

/** Writes both files into the run's folder and returns their paths. */
export function writeDebugFiles(
  run: Pick<RunFolder, 'runId' | 'claim'>,
  { stage, rows, summary }: DebugContent,
): DebugFiles {
  const name = `${stage}_${run.runId}`;
  const csv = run.claim(join(RUN_NAMES.debug, `${name}.csv`));
  const metrics = run.claim(join(RUN_NAMES.debug, `${name}_metrics.txt`));
  writeTable(csv, rows);
  writeFileAtomic(metrics, summary.endsWith('\n') ? summary : `${summary}\n`);
  return { csv, metrics };
}
