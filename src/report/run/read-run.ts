/** A run as read from its folder: its record and its rows. */
import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../../util/errors.js';
import { readWholeRows } from '../../util/files.js';
import { checkedRows, type Fields } from '../../util/own-files.js';
import type { MetricRow } from '../rows/metric-log.js';
import type { SampleRow } from '../rows/sample-log.js';
import { readRunRecord, samplesPath } from './run-files.js';
import { RUN_NAMES, runPaths } from './run-paths.js';
import type { RunRecord } from './run-record.js';

/** How far a run is. */
interface RunProgress {
  readonly dir: string;
  readonly record: RunRecord;
  readonly metrics: readonly MetricRow[];
}

export interface RunRows extends RunProgress {
  readonly configText: string;
  readonly samples: readonly SampleRow[];
}

/** @throws InputError when `dir` is not the folder of a run, or a row in it is broken */
export function readRun(dir: string): RunRows {
  const progress = readProgress(dir);
  const { config } = runPaths(dir);
  return {
    ...progress,
    configText: existsSync(config) ? readFileSync(config, 'utf8') : '',
    samples: rowsIn<SampleRow>(samplesPath(dir), SAMPLE_FIELDS),
  };
}

/** The same without its completions, which may be many. @throws InputError as `readRun` */
export function readProgress(dir: string): RunProgress {
  const record = readRunRecord(dir);
  if (record === null) {
    throw new InputError({
      where: dir,
      problem: `is not the folder of a run (no ${RUN_NAMES.run})`,
      remedy: 'Give the output_dir of a finished or running command',
    });
  }
  const metrics = rowsIn<MetricRow>(runPaths(dir).metrics, { step: 'number' });
  return { dir, record, metrics };
}

/** What the page shows of a completion. */
const SAMPLE_FIELDS: Fields<SampleRow> = {
  step: 'number',
  prompt: 'string',
  completion: 'string',
  tokens: 'number',
  rewards: 'object',
  statuses: 'object',
};

/** A last line without a line break is one that is being written, or was when the run was killed. */
const rowsIn = <T>(path: string, fields: Fields<T>): T[] =>
  existsSync(path) ? checkedRows<T>(path, readWholeRows(path), fields) : [];
