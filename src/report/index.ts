/** Reporting: the run folder, rows of metrics and samples, tables, progress, and the report page. */

export type { TrackerName } from '../util/tracker-names.js';
export {
  type Comparison,
  type ComparisonTable,
  compareRuns,
  comparisonText,
  overlayCharts,
  shortNames,
} from './compare.js';
export { completionsSection } from './completions.js';

export { writeTable } from './csv.js';
export { writeDebugFiles } from './debug-files.js';
export { endRun } from './end-run.js';
export { reasonFacts, rewardParts } from './examples.js';
export { type GroupLog, type GroupRow, openGroupLog } from './group-log.js';
export { type JobStatus, jobStatus } from './job-status.js';
export { type MetricRow, openMetricLog } from './metric-log.js';
export { checkBeginning, checkRun, openRun } from './open-run.js';
export { PhaseClock } from './phases.js';
export {
  type PreviewCounts,
  type PreviewRow,
  type PreviewSegment,
  previewText,
} from './preview-text.js';
export {
  type Progress,
  startProgress,
  withProgress,
} from './progress.js';
export {
  EVENTS_FILE,
  REMOTE_FILE,
  type RemoteEvent,
  type RemoteFile,
  type RemoteJob,
  type RemoteRecord,
  readRemoteEvents,
  readRemoteRecord,
  remoteJobStatus,
} from './remote-job.js';
export { writeReport } from './render-report.js';
export type {
  Completion,
  Fact,
  IntervalItem,
  PromptCompletions,
  Report,
  Section,
} from './report-types.js';

export { checkFileName, moveRunAside, readRunRecord, SAMPLES_FILE } from './run-files.js';
export type { OpenRunOptions, RunFolder } from './run-folder.js';
export { isLocked } from './run-lock.js';
export { makeRunId, type ReadSource, type RunStatus } from './run-record.js';
export { type RunRows, readProgress, readRun, runSections } from './run-report.js';
export {
  gradeColumns,
  openSampleLog,
  type SampledCompletion,
  type SampleLog,
  type SampleRow,
  sampledTokens,
  sampleRow,
  toolColumns,
} from './sample-log.js';
export { SERVICE_METRICS } from './service-metrics.js';
export { type Cell, duration, formatCell, percent, textTable } from './text-table.js';
export {
  checkTrackers,
  openTrackers,
  type Trackers,
} from './trackers/open-trackers.js';
