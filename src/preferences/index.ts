/** Preferences: completion rows into DPO pairs, and problems into reasoning traces. */
export {
  type CompletionRow,
  type NoPairReason,
  type PairOptions,
  type PairStats,
  type PreferencePair,
  pairsFromRollouts,
  type ScorePairs,
} from './pairs.js';
export { clearTraces, type TraceFiles, traceFiles } from './trace-files.js';
export {
  type TraceProblem,
  type TraceRow,
  type TraceStats,
  traceProblem,
  traceStats,
} from './trace-rows.js';
export { makeTraces, type TraceAttempt, type TracesOptions } from './traces.js';
