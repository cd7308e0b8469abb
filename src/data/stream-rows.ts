/**
 * The first usable rows of a data set that is too large to hold: read one after the other, and no further
 * than needed. Rows that are not of the form (no final answer, an empty text, a picture that the text needs)
 * and problems that were there already are left out and counted.
 */
import type { HubOptions } from '../hub/index.js';
import type { JsonRow } from '../util/files.js';
import { streamRowFile } from './formats/stream.js';
import { locateNamed, type RevisionOptions } from './locate.js';
import type { FileDataset } from './named.js';
import { ROW_FORMATS } from './row-formats.js';

export interface StreamOptions extends RevisionOptions {
  readonly split: string;
  /** Rows to take; null takes all. */
  readonly count: number | null;
  /** Default: the environment's LORIKEET_DATA. */
  readonly dataFolder?: string | null;
  readonly hub?: HubOptions;
}

interface StreamedRows {
  readonly rows: readonly JsonRow[];
  readonly paths: readonly string[];
  /** Commit on the hub. */
  readonly commit: string | null;
  /** Rows that were read. */
  readonly read: number;
  readonly malformed: number;
  readonly firstMalformed: string | null;
  readonly duplicates: number;
}

/** Links and drawings: what a text-only model cannot see. */
const PICTURE =
  /\[asy\]|\\includegraphics|!\[[^\]]*\]\(|<img\b|https?:\/\/\S+\.(?:png|jpe?g|gif|svg)/i;

/** What is wrong with a problem row, or null. */
function problemOf(row: JsonRow): string | null {
  const { question, reasoning, answer } = row;
  for (const [name, value] of Object.entries({ question, reasoning, answer })) {
    if (typeof value !== 'string' || value.trim() === '') return `its ${name} is empty`;
  }
  return PICTURE.test(String(question)) ? 'its question needs a picture' : null;
}

const keyOf = ({ question }: JsonRow): string =>
  String(question)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');

/** @throws InputError as `loadRows`, but for malformed rows, which are counted. */
export async function streamRows(
  name: string,
  dataset: FileDataset,
  options: StreamOptions,
): Promise<StreamedRows> {
  const { count, dataFolder = process.env.LORIKEET_DATA || null, hub = {} } = options;
  const { paths, commit } = await locateNamed(name, dataset, { ...options, dataFolder, hub });
  const seen = new Set<string>();
  const rows: JsonRow[] = [];
  let [read, malformed, duplicates] = [0, 0, 0];
  let firstMalformed: string | null = null;
  const take = (row: JsonRow, where: string): void => {
    read++;
    const made = ROW_FORMATS[dataset.format](row);
    const problem = typeof made === 'string' ? made : problemOf(made);
    if (typeof made === 'string' || problem !== null) {
      malformed++;
      firstMalformed ??= `${where}: ${problem}`;
    } else if (seen.has(keyOf(made))) duplicates++;
    else {
      seen.add(keyOf(made));
      rows.push(made);
    }
  };
  for (const path of paths) {
    if (rows.length === count) break;
    for await (const { row, where } of streamRowFile(path)) {
      take(row, where);
      if (rows.length === count) break;
    }
  }
  return { rows, paths, commit, read, malformed, firstMalformed, duplicates };
}
