/** The files of an evaluation in a run folder. */
import { join } from 'node:path';
import { RUN_NAMES, type RunFolder, writeDebugFiles, writeTable } from '../report/index.js';
import { writeJson, writeJsonl } from '../util/files.js';
import type { Evaluation } from './evaluate.js';
import { evalSummary, groupSummary } from './summary.js';

export interface EvaluationFiles {
  /** `debug/<stage>_<run_id>.csv` */
  readonly csv: string;
  /** `debug/<stage>_<run_id>_metrics.txt` */
  readonly metrics: string;
  /** `debug/<stage>_<run_id>_metrics.json` */
  readonly json: string;
  /** `debug/<stage>_<run_id>.jsonl`: the rows of the CSV. */
  readonly jsonl: string;
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
    facts = {},
  }: {
    readonly stage: string;
    readonly evaluation: Evaluation;
    readonly outputFile?: string | null;
    /** Further keys of the metrics file. */
    readonly facts?: Readonly<Record<string, string | number>>;
  },
): EvaluationFiles {
  const { metrics, tables } = evaluation;
  const rows = evaluation.rows as readonly (Evaluation['rows'][number] & Record<string, unknown>)[];
  const name = `${stage}_${run.runId}`;
  const about = Object.entries(facts).map(([key, value]) => `${key}: ${value}`);
  const parts = [[evalSummary(name, metrics), ...about].join('\n'), groupSummary(tables)];
  const summary = parts.filter((part) => part !== '').join('\n\n');
  const files = writeDebugFiles(run, { stage, rows, summary });
  const jsonl = run.claim(join(RUN_NAMES.debug, `${name}.jsonl`));
  writeJsonl(jsonl, rows);
  const json = run.claim(join(RUN_NAMES.debug, `${name}_metrics.json`));
  writeJson(json, { stage, run_id: run.runId, ...metrics, ...facts, tables });
  const output = outputFile === null ? null : run.claim(join(RUN_NAMES.debug, outputFile));
  if (output !== null && output !== files.csv) writeTable(output, rows);
  return { ...files, json, jsonl, output };
}
