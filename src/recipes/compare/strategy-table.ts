/**
 * Evaluations as a table of accuracy: a row for each benchmark, a column for each strategy. Where the rows
 * have levels, as those of MATH, level 5 is a row of its own, from the evaluation's own table by level.
 */
import { join } from 'node:path';
import { type StrategyConfig, samplesOf } from '../../config/index.js';
import { type GroupTable, LEVEL_5 } from '../../evaluate/index.js';
import { type Cell, type ComparisonTable, readRunRecord, writeTable } from '../../report/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { groupBy } from '../../util/group.js';
import { readRecord } from '../../util/own-files.js';

interface Entry {
  readonly folder: string;
  readonly benchmark: string;
  readonly strategy: string;
  /** Null where nothing could be graded. */
  readonly accuracy: number | null;
  readonly size: number;
  /** Not the whole evaluation: its level 5. */
  readonly isPart: boolean;
}

/**
 * `majority_vote` with n samples is SC@n (self-consistency, X. Wang et al. 2023, arXiv 2203.11171). One answer
 * that is drawn at a temperature is not greedy.
 */
function strategyName(config: JsonRow): string {
  const { strategy } = config as StrategyConfig;
  if (strategy === 'greedy' && Number(config.temperature) > 0) return `T=${config.temperature}`;
  const samples = samplesOf(config as StrategyConfig);
  if (strategy === 'majority_vote') return `SC@${samples}`;
  return samples === 1 ? strategy : `${strategy}@${samples}`;
}

interface EvaluationRecord {
  readonly config?: JsonRow;
  readonly results?: JsonRow;
  readonly files?: readonly string[];
}

/** The evaluation, and that of its level 5 where it has levels. */
function entriesOf(folder: string): readonly Entry[] {
  const record = readRunRecord(folder) as EvaluationRecord | null;
  const { config, results } = record ?? {};
  if (typeof config?.benchmark === 'string' && typeof results?.eval_size === 'number') {
    const { benchmark } = config;
    const { eval_size: size } = results;
    const accuracy = results.accuracy as number | null;
    const strategy = strategyName(config);
    const entry = { folder, benchmark, strategy, accuracy, size, isPart: false };
    const hardest = levelFive(folder, record?.files ?? []);
    if (hardest === undefined) return [entry];
    const { n, accuracy: own } = hardest;
    const part = { benchmark: `${benchmark}-level-5`, accuracy: own, size: n, isPart: true };
    return [entry, { ...entry, ...part }];
  }
  throw new InputError({
    where: folder,
    problem: 'a table needs finished runs of lorikeet eval',
    remedy: 'Leave table out, or give their folders',
  });
}

/** The row of level 5 in an evaluation's table by level. */
function levelFive(folder: string, files: readonly string[]) {
  const file = files.find((name) => name.endsWith('_metrics.json'));
  if (file === undefined) return undefined;
  const { tables } = readRecord<{ readonly tables: readonly GroupTable[] }>(join(folder, file), {
    fields: { tables: 'list' },
    remedy: 'Evaluate the model again, or leave table out',
  });
  return tables
    .find(({ column }) => column === LEVEL_5.column)
    ?.rows.find(({ value }) => LEVEL_5.values.includes(value));
}

/** @throws InputError on two evaluations for one cell, as those of two models */
function checkCells(entries: readonly Entry[]): void {
  const folders = new Map<string, string>();
  for (const { folder, benchmark, strategy } of entries) {
    const cell = JSON.stringify([benchmark, strategy]);
    const other = folders.get(cell);
    if (other !== undefined) {
      throw new InputError({
        where: 'table',
        problem: `${other} and ${folder} are both ${benchmark} with ${strategy}, one cell of it`,
        remedy: 'Give the evaluations of one model, one for each benchmark and strategy',
      });
    }
    folders.set(cell, folder);
  }
}

/** @throws InputError on evaluations of one benchmark over numbers of examples that differ: a row says one */
function checkSizes(entries: readonly Entry[]): void {
  const whole = entries.filter(({ isPart }) => !isPart);
  for (const own of groupBy(whole, ({ benchmark }) => benchmark).values()) {
    const [first] = own;
    const other = own.find(({ size }) => size !== first?.size);
    if (first === undefined || other === undefined) continue;
    throw new InputError({
      where: 'table',
      problem: `${first.folder} has ${counted(first.size, 'example')} of ${first.benchmark}, and ${other.folder} has ${other.size}`,
      remedy: 'Evaluate the same rows by each strategy',
    });
  }
}

/** Writes the table and returns it, shares as numbers. @throws InputError on a folder that is no evaluation */
export function writeStrategyTable(path: string, folders: readonly string[]): ComparisonTable {
  const entries = folders.flatMap(entriesOf);
  checkCells(entries);
  checkSizes(entries);
  const strategies = [...new Set(entries.map(({ strategy }) => strategy))];
  const rows = [...new Set(entries.map(({ benchmark }) => benchmark))].map((benchmark) => {
    const own = entries.filter((entry) => entry.benchmark === benchmark);
    const cells = strategies.map((name) => {
      const found = own.find(({ strategy }) => strategy === name);
      return [name, found?.accuracy ?? null] as const;
    });
    return { benchmark, n: own[0]?.size ?? 0, ...Object.fromEntries(cells) } as JsonRow;
  });
  const header = ['benchmark', 'n', ...strategies];
  writeTable(path, rows, header);
  return { header, rows: rows.map((row) => header.map((name) => (row[name] ?? null) as Cell)) };
}
