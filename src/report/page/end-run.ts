/** The end of a run: its last state and its page. */
import { messageOf } from '../../util/errors.js';
import { readRun } from '../run/read-run.js';
import type { RunFolder } from '../run/run-folder.js';
import type { RunStatus } from '../run/run-record.js';
import { writeReport } from './render-report.js';
import type { Section } from './report-types.js';
import { runReport } from './run-report.js';

export interface RunEnd {
  readonly status: Exclude<RunStatus, 'running'>;
  /** What ended the run, where it was not done. */
  readonly error?: unknown;
  /** Of the page, beside what the folder holds. */
  readonly sections?: readonly Section[];
  /** One line for people. */
  readonly log: (line: string) => void;
}

/**
 * Closes the run and writes its `report.html`, also of a run that failed; of one that has ended already nothing
 * changes. A page that cannot be written is said, and changes nothing about how the run ended.
 */
export function endRun(run: RunFolder, { status, error, sections = [], log }: RunEnd): void {
  if (!run.close(status, error)) return;
  try {
    writeReport(run.paths.report, runReport(readRun(run.dir), sections));
  } catch (failure) {
    log(`${run.paths.report} could not be written: ${messageOf(failure)}`);
  }
}
