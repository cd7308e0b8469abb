/**
 * The rows of a long call on disk. Each row goes into `<output>.part` as it is made, in one write, so that a
 * killed process loses none; at the end all rows are put in order and written as one file, and the part goes.
 * A row is known by its prompt and sample number, so a call that goes on makes none twice.
 */
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkBeginning, writeTable } from '../../report/index.js';
import { appendBytes } from '../../util/append.js';
import { counted } from '../../util/counted.js';
import { makeFolder, writing } from '../../util/disk.js';
import { InputError, InterruptError } from '../../util/errors.js';
import { filePlace, placeOf } from '../../util/file-place.js';
import { dropHalfLine, type JsonRow, readJsonl, toJsonl, writeJsonl } from '../../util/files.js';
import { GO_ON, inUseRemedy } from '../../util/in-use.js';
import { lockOutput } from './output-lock.js';
import { holdOutput } from './rows-output.js';

export interface RowStoreKeys {
  /** Null keeps the rows in memory. */
  readonly output: string | null;
  readonly output_csv: string | null;
  readonly overwrite: boolean;
  readonly resume: 'never' | 'auto';
}

/** A row as the store needs it; other columns are the caller's. */
export interface StoredRow extends JsonRow {
  readonly prompt_id: string;
  readonly sample_index: number;
  /** Of everything that the completion depends on. */
  readonly request_hash: string;
  readonly adapter: string | null;
}

/** What a row must be, to be one of this call. */
export interface ExpectedRow {
  readonly request_hash: string;
  readonly adapter: string | null;
}

export const partOf = (output: string): string => `${output}.part`;

const keyOf = ({ prompt_id, sample_index }: StoredRow): string => `${prompt_id}/${sample_index}`;

const REMEDY = 'Give overwrite=true to start anew, or another output';

export class RowStore {
  private readonly keys: RowStoreKeys;
  private readonly frees: (() => void)[] = [];
  private readonly rows = new Map<string, StoredRow>();
  private part: number | null = null;
  /** Files of an earlier call, which stay until there is a row to take their place. */
  private replaced: readonly string[] = [];
  private isClosed = false;

  /**
   * Takes the output for this process, and takes over the rows that are there when `resume` is `auto`.
   * @param others Further files that the first row takes the place of when `overwrite` is set
   * @throws InputError when there is an output or a part that neither may be replaced nor gone on with, or
   *   that another process is writing.
   */
  constructor(keys: RowStoreKeys, others: readonly string[] = []) {
    this.keys = keys;
    checkKeys(keys);
    const { output, output_csv: csv } = keys;
    const overwrite = keys.overwrite || keys.resume === 'auto';
    try {
      this.frees.push(holdOutput({ output: csv, overwrite }, 'output_csv'));
      if (output !== null) this.takeOver(output, others);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get size(): number {
    return this.rows.size;
  }

  /** What a call that is stopped now leaves on disk, and how to go on. */
  get left(): { readonly problem: string; readonly remedy: string } {
    if (this.replaced.length > 0) {
      return { problem: 'the earlier rows are kept', remedy: 'Give the same command again' };
    }
    return { problem: `${counted(this.size, 'row')} kept`, remedy: GO_ON };
  }

  /** What `work` gives, which adds rows. Where it fails, the log has what is kept of them; an interrupt says it itself. */
  async filledBy<T>(work: () => Promise<T>, log: (line: string) => void): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { problem, remedy } = this.left;
      const isKept = this.keys.output !== null && this.size > 0;
      if (isKept && !(error instanceof InterruptError)) log(`${problem}. ${remedy}`);
      throw error;
    }
  }

  has(promptId: string, sampleIndex: number): boolean {
    return this.rows.has(`${promptId}/${sampleIndex}`);
  }

  get(promptId: string, sampleIndex: number): StoredRow | undefined {
    return this.rows.get(`${promptId}/${sampleIndex}`);
  }

  /**
   * @param expected what the row of a prompt and sample number must be; undefined where none is asked for
   * @throws InputError naming a row that belongs to another call
   */
  verify(expected: (row: StoredRow) => ExpectedRow | undefined): void {
    for (const row of this.rows.values()) {
      const problem = misfit(row, expected(row));
      if (problem === null) continue;
      const where = `${this.keys.output}: prompt ${row.prompt_id}, sample ${row.sample_index}`;
      throw new InputError({ where, problem, remedy: REMEDY });
    }
  }

  /** Once closed, it writes nothing more: the output may be another's. */
  add(row: StoredRow): void {
    this.rows.set(keyOf(row), row);
    const { output } = this.keys;
    if (output === null || this.isClosed) return;
    this.part ??= this.openPart(output);
    appendBytes(this.part, Buffer.from(toJsonl([row])), partOf(output));
  }

  /** Writes all rows by `order`; without an output they are only returned. */
  finish(order: (a: StoredRow, b: StoredRow) => number): readonly StoredRow[] {
    const rows = [...this.rows.values()].sort(order);
    const { output, output_csv: csv } = this.keys;
    if (output !== null) {
      writeJsonl(output, rows);
      rmSync(partOf(output), { force: true });
    }
    if (csv !== null) writeTable(csv, rows);
    return rows;
  }

  close(): void {
    this.isClosed = true;
    if (this.part !== null) closeSync(this.part);
    this.part = null;
    for (const free of this.frees) free();
  }

  private openPart(output: string): number {
    makeFolder(dirname(output));
    for (const path of this.replaced) rmSync(placeOf(path), { force: true });
    this.replaced = [];
    const part = partOf(output);
    return writing(part, () => openSync(part, 'a'));
  }

  private takeOver(output: string, others: readonly string[]): void {
    this.frees.push(lockOutput(output, { beside: others }));
    filePlace(partOf(output));
    const files = [output, partOf(output)].filter((path) => existsSync(path));
    if (this.keys.overwrite)
      this.replaced = [...files, ...others.filter((path) => existsSync(path))];
    if (this.keys.overwrite || files.length === 0) return;
    if (this.keys.resume === 'never') throw inUse(output, files);
    dropHalfLine(partOf(output));
    for (const path of files) {
      for (const [i, row] of readJsonl(path).entries()) {
        this.rows.set(keyOf(asStored(row, `${path}:${i + 1}`)), row as StoredRow);
      }
    }
  }
}

function checkKeys({ overwrite, resume, output }: RowStoreKeys): void {
  checkBeginning({ overwrite, resume });
  if (output === null && resume === 'auto') {
    const remedy = 'Give output=FILE';
    throw new InputError({ where: 'resume', problem: 'there is no output to go on with', remedy });
  }
}

function inUse(output: string, files: readonly string[]): InputError {
  const problem = files.includes(output)
    ? `the file ${output} exists`
    : `${partOf(output)} holds the rows of a call that did not finish`;
  return new InputError({
    where: 'output',
    problem,
    remedy: inUseRemedy('output', { mayResume: true }),
  });
}

function asStored(row: JsonRow, where: string): StoredRow {
  const { prompt_id: id, sample_index: sample, request_hash: hash } = row;
  if (typeof id === 'string' && Number.isInteger(sample) && typeof hash === 'string') {
    return row as StoredRow;
  }
  const problem =
    'it has no prompt_id, sample_index and request_hash, so it cannot be gone on with';
  throw new InputError({ where, problem, remedy: REMEDY });
}

function misfit(row: StoredRow, expected: ExpectedRow | undefined): string | null {
  if (expected === undefined) return 'this call does not ask for it';
  if (row.adapter !== expected.adapter) {
    return `it was sampled with adapter ${row.adapter ?? 'none'}, the model has ${expected.adapter ?? 'none'} now`;
  }
  if (row.request_hash === expected.request_hash) return null;
  return 'it was made from another prompt, or with other settings';
}
