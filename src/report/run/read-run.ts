/** A run as read from its folder: its record and its rows. */
import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../../util/errors.js';
import { wholeRows } from '../../util/files.js';
import { checkedRows } from '../../util/own-files.js';
import type { MetricRow } from '../rows/metric-row.js';
import { readSamples, type Samples } from '../rows/sample-rows.js';
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
  readonly samples: Samples;
}

/** @throws InputError when `dir` is not the folder of a run, or a row in it is broken */
export function readRun(dir: string): RunRows {
  const progress = readProgress(dir);
  const { config } = runPaths(dir);
  return {
    ...progress,
    configText: existsSync(config) ? readFileSync(config, 'utf8') : '',
    samples: readSamples(samplesPath(dir)),
  };
}

/** The same without its completions. @throws InputError as `readRun` */
export function readProgress(dir: string): RunProgress {
  const record = readRunRecord(dir);
  if (record === null) {
    throw new InputError({
      where: dir,
      problem: `is not the folder of a run (no ${RUN_NAMES.run})`,
      remedy: 'Give the output_dir of a finished or running command',
    });
  }
  const path = runPaths(dir).metrics;
  const rows = existsSync(path) ? wholeRows(path) : [];
  const metrics = checkedRows<MetricRow>(path, rows, { step: 'number' });
  return { dir, record, metrics };
}
