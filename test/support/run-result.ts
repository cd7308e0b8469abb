/** What a training run leaves that must not depend on interruptions: weights, moments, rows without times. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRow, readJsonl, sha256 } from '../../src/util/files.js';

export interface RunResult {
  /** SHA-256 by file name, of `model/` and of the last checkpoint. */
  readonly files: Readonly<Record<string, string>>;
  readonly metrics: readonly JsonRow[];
  readonly samples: readonly JsonRow[];
  /** Of every file of the run, bytes. */
  readonly sizes: readonly number[];
}

/** Columns that hold wall time. */
const TIME = /(_time|_ms|_per_s|^seconds)$|^time\//;

export function runResult(runDir: string): RunResult {
  const checkpoints = readdirSync(join(runDir, 'checkpoints')).sort();
  const folders = ['model', join('checkpoints', checkpoints.at(-1)!)];
  const paths = folders.flatMap((folder) =>
    readdirSync(join(runDir, folder)).map((name) => join(folder, name)),
  );
  const hashes = paths.map((path) => [path, sha256(readFileSync(join(runDir, path)))] as const);
  return {
    files: Object.fromEntries(hashes),
    metrics: rowsOf(join(runDir, 'metrics.jsonl')),
    samples: rowsOf(join(runDir, 'samples.jsonl')),
    sizes: sizesIn(runDir),
  };
}

const sizesIn = (dir: string): number[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(dir, name)))
    .flatMap((entry) => (entry.isFile() ? [entry.size] : []));

const rowsOf = (path: string): JsonRow[] =>
  existsSync(path) ? readJsonl(path).map(withoutTimes) : [];

const withoutTimes = (row: JsonRow): JsonRow =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !TIME.test(name)));
