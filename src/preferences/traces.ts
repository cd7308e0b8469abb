/** Makes traces: attempts in batches, again only at what is still unsolved. */
import type { AnswerTags } from '../util/answer-tags.js';
import { counted } from '../util/counted.js';
import { RunError } from '../util/errors.js';
import {
  appendEntries,
  clearTraces,
  keptEntries,
  type TraceEntry,
  writeStats,
} from './trace-files.js';
import {
  correctReasoning,
  type TraceProblem,
  type TraceStats,
  traceRow,
  traceStats,
} from './trace-rows.js';

export interface TraceAttempt {
  readonly index: number;
  readonly problem: TraceProblem;
  /** 1 for the first; part of the seed of an attempt, so that resumed runs go on as they would have. */
  readonly attempt: number;
}

export interface TracesOptions {
  readonly problems: readonly TraceProblem[];
  /** One completion for each attempt, in their order. */
  readonly generate: (
    attempts: readonly TraceAttempt[],
    options: { readonly signal?: AbortSignal },
  ) => Promise<readonly string[]>;
  readonly tags?: AnswerTags;
  /** Attempts in one call of `generate`. */
  readonly batchSize: number;
  readonly maxAttempts: number;
  /** JSONL file; rows that an earlier run left in it are kept, or with `overwrite` until the first new ones. */
  readonly output: string;
  readonly overwrite?: boolean;
  /** Of everything that the attempts depend on, weights too. */
  readonly requestHash: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** Called when rows of this run are in the file. */
  readonly onRows?: () => void;
}

/**
 * Writes a row for each problem, in order, and the stats. A problem leaves the batch when it is solved
 * or out of attempts, and the next one takes its place, so that batches stay full.
 * @throws the signal's reason when it is aborted; rows written until then are kept
 * @throws InputError when the file holds rows of other problems or of another `requestHash`, or there are no problems
 */
export async function makeTraces(options: TracesOptions): Promise<TraceStats> {
  const { problems, output, batchSize, maxAttempts, requestHash, signal, onProgress } = options;
  const entries: (TraceEntry | undefined)[] = options.overwrite
    ? []
    : keptEntries(output, { problems, requestHash });
  let written = entries.length;
  let next = entries.length;
  let active: TraceAttempt[] = [];
  onProgress?.(written, problems.length);
  while (written < problems.length) {
    for (; active.length < batchSize && next < problems.length; next++) {
      active.push({ index: next, problem: problems[next] as TraceProblem, attempt: 1 });
    }
    signal?.throwIfAborted();
    const completions = await options.generate(active, { ...(signal && { signal }) });
    signal?.throwIfAborted();
    if (completions.length !== active.length) {
      const problem = `${counted(active.length, 'attempt')} gave ${counted(completions.length, 'completion')}`;
      throw new RunError({ where: 'traces', problem });
    }
    const again: TraceAttempt[] = [];
    for (const [i, attempt] of active.entries()) {
      const reasoning = correctReasoning(completions[i] ?? '', attempt.problem, options.tags);
      const isLast = attempt.attempt >= maxAttempts;
      if (reasoning === null && !isLast) again.push({ ...attempt, attempt: attempt.attempt + 1 });
      else entries[attempt.index] = traceEntry(attempt, { reasoning, requestHash });
    }
    active = again;
    const ready = finishedRun(entries, written);
    if (ready.length > 0) {
      if (written === 0) clearTraces(output);
      appendEntries(output, ready);
      options.onRows?.();
      written += ready.length;
    }
    onProgress?.(entries.filter((entry) => entry !== undefined).length, problems.length);
  }
  const outcomes = entries.flatMap((entry) => (entry === undefined ? [] : [entry.outcome]));
  const stats = traceStats(outcomes);
  writeStats(output, stats);
  return stats;
}

function traceEntry(
  { index, problem, attempt }: TraceAttempt,
  { reasoning, requestHash }: { readonly reasoning: string | null; readonly requestHash: string },
): TraceEntry {
  return {
    row: traceRow(problem, reasoning),
    outcome: { index, solved: reasoning !== null, attempts: attempt, request_hash: requestHash },
  };
}

/** Entries from `start` up to the first that is not there yet. */
function finishedRun(entries: readonly (TraceEntry | undefined)[], start: number): TraceEntry[] {
  const run: TraceEntry[] = [];
  for (let i = start; i < entries.length; i++) {
    const entry = entries[i];
    if (entry === undefined) break;
    run.push(entry);
  }
  return run;
}
