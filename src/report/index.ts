/**
 * Reporting, by its folders: `run/` is the folder of a run, its lock and its record; `rows/` what is appended to
 * it; `job/` the run in the words of a fine-tuning service; `page/` charts, comparisons and the report page made
 * of them; `trackers/` other tools that get the same rows. The files beside them are text for a terminal.
 */

export type { TrackerName } from '../util/tracker-names.js';

export { type JobStatus, jobStatus } from './job/job-status.js';
export {
  EVENTS_FILE,
  REMOTE_FILE,
  type RemoteEvent,
  type RemoteFile,
  type RemoteJob,
  type RemotePlace,
  type RemoteRecord,
  readRemoteEvents,
  readRemoteRecord,
  remoteJobStatus,
} from './job/remote-job.js';
export { SERVICE_METRICS } from './job/service-metrics.js';

export {
  type Comparison,
  type ComparisonTable,
  compareRuns,
  comparisonText,
  overlayCharts,
  shortNames,
} from './page/compare.js';
export { completionsSection, shownPrompts } from './page/completions.js';
export { endRun } from './page/end-run.js';
export { reasonFacts, rewardParts } from './page/examples.js';
export { writeReport } from './page/render-report.js';
export type {
  Completion,
  Fact,
  IntervalItem,
  PromptCompletions,
  Report,
  Section,
} from './page/report-types.js';
export { runSections } from './page/run-report.js';

export {
  type PreviewCounts,
  type PreviewRow,
  type PreviewSegment,
  previewText,
} from './preview-text.js';
export { type Progress, startProgress, withProgress } from './progress.js';

export { writeTable } from './rows/csv.js';
export type { GroupRow } from './rows/group-row.js';
export type { MetricRow } from './rows/metric-row.js';
export { openRowLog, type RowLog } from './rows/row-log.js';
export {
  type CompletionColumns,
  gradeColumns,
  type SampledCompletion,
  type SampleRow,
  sampledTokens,
  sampleRow,
  toolColumns,
} from './rows/sample-row.js';

export { writeDebugFiles } from './run/debug-files.js';
export { checkBeginning, checkRun, openRun } from './run/open-run.js';
export { PhaseClock } from './run/phases.js';
export { type RunRows, readProgress, readRun } from './run/read-run.js';
export { checkFileName, moveRunAside, readRunRecord } from './run/run-files.js';
export type { OpenRunOptions, RunFolder } from './run/run-folder.js';
export { holdingRun, isLocked } from './run/run-lock.js';
export { isRunFolder, RUN_NAMES, runPaths } from './run/run-paths.js';
export { makeRunId, type ReadSource, type RunStatus } from './run/run-record.js';

export {
  type Cell,
  duration,
  formatCell,
  metricCell,
  metricText,
  percent,
  textTable,
} from './text-table.js';

export { checkTrackers, openTrackers } from './trackers/open-trackers.js';
