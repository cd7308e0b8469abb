/** The files of an evaluation in a run folder. */
import { join } from 'node:path';
import { type RunFolder, writeDebugFiles, writeTable } from '../report/index.js';
import { writeJson } from '../util/files.js';
import type { Evaluation } from './evaluate.js';
import { evalSummary } from './summary.js';

export interface EvaluationFiles {
  /** `debug/<stage>_<run_id>.csv` */
  readonly csv: string;
  /** `debug/<stage>_<run_id>_metrics.txt` */
  readonly metrics: string;
  /** `debug/<stage>_<run_id>_metrics.json` */
  readonly json: string;
  /** `debug/<outputFile>`: the same rows under the name asked for. */
  readonly output: string | null;
}

/** Writes per-example rows and metrics. */
export function writeEvaluation(
  run: Pick<RunFolder, 'runId' | 'claim'>,
  {
    stage,
    evaluation,
    outputFile = null,
  }: {
    readonly stage: string;
    readonly evaluation: Evaluation;
    readonly outputFile?: string | null;
  },
): EvaluationFiles {
  const { metrics } = evaluation;
  const rows = evaluation.rows as readonly (Evaluation['rows'][number] & Record<string, unknown>)[];
  const name = `${stage}_${run.runId}`;
  const files = writeDebugFiles(run, { stage, rows, summary: evalSummary(name, metrics) });
  const json = run.claim(join('debug', `${name}_metrics.json`));
  writeJson(json, { stage, run_id: run.runId, ...metrics });
  const output = outputFile === null ? null : run.claim(join('debug', outputFile));
  if (output !== null && output !== files.csv) writeTable(output, rows);
  return { ...files, json, output };
}
