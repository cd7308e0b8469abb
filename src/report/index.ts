/** Reporting: the run folder, rows of metrics and samples, tables, progress, and the report page. */
export {
  type Comparison,
  type ComparisonTable,
  compareRuns,
  comparisonText,
  overlayCharts,
  shortNames,
} from './compare.js';
export { completionsSection } from './completions.js';
export type { ConfigDifference } from './config-differences.js';
export { type TableRow, writeTable } from './csv.js';
export { type DebugContent, type DebugFiles, writeDebugFiles } from './debug-files.js';
export { endRun, type RunEnd } from './end-run.js';
export { reasonFacts, rewardParts } from './examples.js';
export { type GroupLog, type GroupRow, openGroupLog } from './group-log.js';
export { type JobStatus, jobStatus } from './job-status.js';
export { type MetricLog, type MetricRow, type MetricValue, openMetricLog } from './metric-log.js';
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
  type ProgressMode,
  type ProgressOptions,
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
  Chart,
  ChartsSection,
  Completion,
  CompletionsSection,
  Example,
  ExamplePart,
  ExamplesSection,
  Fact,
  FactsSection,
  HistogramChart,
  IntervalChart,
  IntervalItem,
  LineChart,
  PhasesSection,
  PromptCompletions,
  Report,
  Section,
  Series,
  TableSection,
  TextSection,
} from './report-types.js';
export type { RowLog, RowLogOptions, StepRow } from './row-log.js';
export { checkFileName, moveRunAside, readRunRecord, SAMPLES_FILE } from './run-files.js';
export type { OpenRunOptions, RunFolder, RunPatch, RunPaths } from './run-folder.js';
export { isLocked } from './run-lock.js';
export { makeRunId, type ReadSource, type RunRecord, type RunStatus } from './run-record.js';
export { type RunRows, readRun, runSections } from './run-report.js';
export {
  gradeColumns,
  openSampleLog,
  type SampleContext,
  type SampledCompletion,
  type SampleLog,
  type SampleRow,
  sampledTokens,
  sampleRow,
  toolColumns,
} from './sample-log.js';
export { type Cell, duration, formatCell, percent, textTable } from './text-table.js';
export {
  checkTrackers,
  openTrackers,
  type TrackerOptions,
  type Trackers,
} from './trackers/open-trackers.js';
export type { SampleTable, TrackerName } from './trackers/tracker.js';
