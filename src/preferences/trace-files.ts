/**
 * The traces file and, beside it, what became of each problem. Both grow row by row and in the order of
 * the problems, so an interrupted run is gone on with from the rows that are in both.
 */
import { existsSync, rmSync } from 'node:fs';
import { appendText } from '../util/append.js';
import { InputError } from '../util/errors.js';
import { placeOf } from '../util/file-place.js';
import { dropHalfLine, readJsonl, toJsonl, writeJson, writeJsonl } from '../util/files.js';
import { checkedRows, type Fields } from '../util/own-files.js';
import type { TraceOutcome, TraceProblem, TraceRow, TraceStats } from './trace-rows.js';

export interface TraceEntry {
  readonly row: TraceRow;
  readonly outcome: TraceOutcome;
}

export interface TraceFiles {
  readonly traces: string;
  readonly attempts: string;
  readonly stats: string;
}

export function traceFiles(path: string): TraceFiles {
  return { traces: path, attempts: `${path}.attempts.jsonl`, stats: `${path}.stats.json` };
}

/** Deletes the three files of `path`. */
export function clearTraces(path: string): void {
  for (const file of Object.values(traceFiles(path))) rmSync(placeOf(file), { force: true });
}

/**
 * Entries that are already there; the files are cut to them.
 * @throws InputError when they are broken, of other problems, or made by another model or with other settings
 */
export function keptEntries(
  path: string,
  {
    problems,
    requestHash,
  }: { readonly problems: readonly TraceProblem[]; readonly requestHash: string },
): TraceEntry[] {
  const files = traceFiles(path);
  const rows = wholeRows<TraceRow>(files.traces, { question: 'string', answer: 'string' });
  const outcomes = wholeRows<TraceOutcome>(files.attempts, {
    index: 'number',
    solved: 'boolean',
    attempts: 'number',
  });
  const kept: TraceEntry[] = [];
  if (rows.length > 0 && outcomes.length === 0)
    throw foreign(path, 0, `nothing in ${files.attempts} says what made the row`);
  for (const [i, row] of rows.entries()) {
    const outcome = outcomes[i];
    if (outcome === undefined) break;
    const isOfProblem = row.question === problems[i]?.question && outcome.index === i;
    if (!isOfProblem) throw foreign(path, i, 'the row belongs to another set of problems');
    if (outcome.request_hash !== requestHash)
      throw foreign(path, i, 'the row was made by another model or with other settings');
    kept.push({ row, outcome });
  }
  writeJsonl(
    files.traces,
    kept.map(({ row }) => row),
  );
  writeJsonl(
    files.attempts,
    kept.map(({ outcome }) => outcome),
  );
  return kept;
}

const foreign = (path: string, index: number, problem: string): InputError =>
  new InputError({
    where: `${path}:${index + 1}`,
    problem,
    remedy: 'Give overwrite=true to start anew, or another output_file',
  });

/** What made a row is on disk before it. */
export function appendEntries(path: string, entries: readonly TraceEntry[]): void {
  const files = traceFiles(path);
  appendText(files.attempts, toJsonl(entries.map(({ outcome }) => outcome)));
  appendText(files.traces, toJsonl(entries.map(({ row }) => row)));
}

export function writeStats(path: string, stats: TraceStats): void {
  writeJson(traceFiles(path).stats, stats);
}

/** Rows whose line is whole: a killed process may have left half a line at the end. */
function wholeRows<T>(path: string, fields: Fields<T>): T[] {
  if (!existsSync(path)) return [];
  dropHalfLine(path);
  return checkedRows<T>(path, readJsonl(path), fields);
}
