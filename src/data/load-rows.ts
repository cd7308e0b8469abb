/** Rows of a data set: located, read, brought to one form, shuffled and cut, with their provenance. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { HubOptions } from '../hub/index.js';
import { InputError } from '../util/errors.js';
import { type JsonRow, jsonLines, sha256Of } from '../util/files.js';
import { Rng } from '../util/rng.js';
import { renameColumns } from './columns.js';
import { readRowFile } from './formats/index.js';
import {
  checkNoRevision,
  type Located,
  locateNamed,
  locateSource,
  noSplit,
  type RevisionOptions,
} from './locate.js';
import { type GeneratedDataset, namedDataset } from './named.js';
import { withoutNullForms } from './null-forms.js';
import { ROW_FORMATS, type RowFormatName } from './row-formats.js';

/** Rows whose column has one of these values, as text. */
export interface RowFilter {
  readonly column: string;
  readonly values: readonly string[];
}

export interface LoadRowsOptions extends RevisionOptions {
  /** Default `train`. A single file has no splits. */
  readonly split?: string;
  /** Configuration of a hub data set. */
  readonly config?: string;
  /** Our name → name in the data, or a text with names in braces; other columns keep their names. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Default: the form of a named data set, `auto` for all others. */
  readonly format?: RowFormatName;
  /** What to do with rows that lack a column or are not of the form. Default `error`. */
  readonly malformed?: 'error' | 'drop';
  /** Takes only these rows, before they are shuffled. */
  readonly only?: RowFilter;
  /** Shuffles the rows before `numSamples` are taken, in an order that depends on the seed and their number only. */
  readonly shuffleSeed?: number;
  /** Rows taken; all when there are fewer. */
  readonly numSamples?: number;
  /** Folder of local copies of named data sets. Default: the environment's LORIKEET_DATA. */
  readonly dataFolder?: string | null;
  readonly hub?: HubOptions;
}

interface Provenance {
  readonly kind: Located['kind'] | 'generated';
  /** As the user called it. */
  readonly source: string;
  readonly split: string;
  readonly paths: readonly string[];
  /** Branch, tag or commit that was asked for. */
  readonly revision: string | null;
  /** Commit on the hub. */
  readonly commit: string | null;
  /** Of the files' bytes in order; of the JSONL text for a generated set. */
  readonly sha256: string;
  /** Rows in the files. */
  readonly total: number;
  /** Malformed rows left out, and the first of them. */
  readonly dropped: number;
  readonly firstDropped: string | null;
  /** Rows given. */
  readonly count: number;
}

export interface LoadedRows {
  readonly rows: JsonRow[];
  /** Where a row stands in its file (`file:line`), for errors. */
  readonly where: (index: number) => string;
  readonly provenance: Provenance;
}

/**
 * Rows of a named data set, a file (JSONL, JSON, CSV, TSV, Parquet; JSONL also .gz), a folder with files
 * named after splits, or a hub data set.
 * @throws InputError naming file and line or row of what is malformed; SetupError when the hub is needed
 *   and out of reach.
 */
export async function loadRows(source: string, options: LoadRowsOptions = {}): Promise<LoadedRows> {
  const raw = await readSource(source, options);
  const format = ROW_FORMATS[options.format ?? raw.format];
  const { columns = {}, malformed = 'error', shuffleSeed, numSamples } = options;
  const kept: PlacedRow[] = [];
  let firstDropped: string | null = null;
  for (const { row, where } of raw.rows) {
    const ours = renameColumns(row, raw.columns);
    const renamed = typeof ours === 'string' ? ours : renameColumns(ours, columns);
    const result = typeof renamed === 'string' ? renamed : format(renamed);
    if (typeof result !== 'string') {
      kept.push({ row: withoutNullForms(result), where });
      continue;
    }
    if (malformed === 'error') throw new InputError({ where: where(), problem: result });
    firstDropped ??= `${where()}: ${result}`;
  }
  const asked = filtered(kept, options.only, source);
  const ordered = shuffleSeed === undefined ? asked : Rng.of(shuffleSeed, 'rows').shuffle(asked);
  const taken = ordered.slice(0, numSamples);
  if (taken.length === 0) throw noRows(source, raw);
  return {
    rows: taken.map(({ row }) => row),
    where: (index) => taken[index]?.where() ?? `${source}:row ${index + 1}`,
    provenance: {
      ...raw.origin,
      source,
      revision: options.revision ?? null,
      total: raw.rows.length,
      dropped: raw.rows.length - kept.length,
      firstDropped,
      count: taken.length,
    },
  };
}

interface PlacedRow {
  readonly row: JsonRow;
  readonly where: () => string;
}

interface RawRows {
  readonly rows: readonly PlacedRow[];
  readonly format: RowFormatName;
  /** Our name → name in the data, as a named set has it. */
  readonly columns: Readonly<Record<string, string>>;
  readonly origin: Pick<Provenance, 'kind' | 'split' | 'paths' | 'commit' | 'sha256'>;
}

/** @throws InputError where no row has the column */
function filtered(
  rows: readonly PlacedRow[],
  only: RowFilter | undefined,
  source: string,
): readonly PlacedRow[] {
  if (only === undefined) return rows;
  const { column, values } = only;
  if (rows.length > 0 && !rows.some(({ row }) => row[column] !== undefined)) {
    throw new InputError({
      where: source,
      problem: `no row has the column "${column}", by which its rows are picked`,
      remedy: `Name it by dataset.columns={${column}: NAME}`,
    });
  }
  return rows.filter(({ row }) => values.includes(String(row[column])));
}

function noRows(source: string, { rows, origin }: RawRows): InputError {
  return new InputError({
    where: origin.paths[0] ?? source,
    problem: rows.length === 0 ? 'it has no rows' : `none of its rows (${rows.length}) is left`,
    remedy: 'Check the file, the columns and num_samples',
  });
}

async function readSource(source: string, options: LoadRowsOptions): Promise<RawRows> {
  const named = namedDataset(source);
  const split = options.split ?? 'train';
  if (named?.kind === 'generated') {
    checkNoRevision(options, `${source} is made here`);
    return generated(source, named, split);
  }
  const { dataFolder = process.env.LORIKEET_DATA || null, hub = {} } = options;
  const where = { ...options, split, dataFolder, hub };
  const located =
    named === null ? await locateSource(source, where) : await locateNamed(source, named, where);
  const rows: PlacedRow[] = [];
  for (const path of located.paths) {
    const file = await readRowFile(path);
    for (const [index, row] of file.rows.entries()) {
      rows.push({ row, where: () => file.where(index) });
    }
  }
  const hash = await hashFiles(located.paths);
  const columns = (located.kind === 'hub' ? named?.hub.columns : undefined) ?? {};
  const origin = { ...located, split, sha256: hash };
  return { rows, format: named?.format ?? 'auto', columns, origin };
}

function generated(name: string, dataset: GeneratedDataset, split: string): RawRows {
  const rows = dataset.make()[split];
  if (rows === undefined) throw noSplit(name, split, dataset.splits);
  return {
    rows: rows.map((row, index) => ({ row, where: () => `${name}:row ${index + 1}` })),
    format: dataset.format,
    columns: {},
    origin: {
      kind: 'generated',
      split,
      paths: [],
      commit: null,
      sha256: sha256Of(jsonLines(rows)),
    },
  };
}

async function hashFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) await pipeline(createReadStream(path), hash, { end: false });
  return hash.digest('hex');
}
