/**
 * An append-only JSONL file of rows with a step. Each row is one write, so a killed process loses at
 * most the row it was writing; `flush` (called with each checkpoint) makes the rows survive a power cut.
 */
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { appendBytes } from '../../util/append.js';
import { makeFolder, writing } from '../../util/disk.js';
import { dropHalfLine, readJsonl, writeJsonl, writeTexts } from '../../util/files.js';
import { checkedRows } from '../../util/own-files.js';

export interface StepRow {
  readonly step: number;
}

export interface RowLog<T extends StepRow> {
  append(row: T): void;
  /**
   * Gives the last row of its step what that one lacks; a row of its own where there is none.
   * @returns whether anything was lacking
   */
  complete(row: T): boolean;
  flush(): void;
  close(): void;
}

export interface RowLogOptions {
  /** Step of the checkpoint a run goes on from: rows after it are cut. Null empties the file. */
  readonly resumeStep: number | null;
}

/** @throws InputError when rows to keep are broken, beside a half-written last line */
export function openRowLog<T extends StepRow>(
  path: string,
  { resumeStep }: RowLogOptions = { resumeStep: null },
): RowLog<T> {
  makeFolder(dirname(path));
  const open = () => openSync(path, 'a');
  writeJsonl(path, resumeStep === null ? [] : rowsUpTo(path, resumeStep));
  let file = writing(path, open);
  const flush = () => writing(path, () => fsyncSync(file));
  let isOpen = true;
  return {
    append(row) {
      appendBytes(file, Buffer.from(lineOf(row)), path);
    },
    complete(row) {
      const rows = readJsonl(path);
      const found = rows.findLastIndex(({ step }) => step === row.step);
      const at = found < 0 ? rows.length : found;
      if (Object.keys(row).every((name) => rows[at]?.[name] !== undefined)) return false;
      rows[at] = { ...rows[at], ...row, ...rows[at] };
      writeTexts(path, rows.map(lineOf));
      closeSync(file);
      file = writing(path, open);
      return true;
    },
    flush,
    close() {
      if (!isOpen) return;
      isOpen = false;
      flush();
      closeSync(file);
    },
  };
}

const lineOf = (row: object): string => `${JSON.stringify(row, finite)}\n`;

/** JSON has no NaN and would show null: the three words keep a numeric failure visible. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function rowsUpTo(path: string, step: number): StepRow[] {
  if (!existsSync(path)) return [];
  dropHalfLine(path);
  const rows = checkedRows<StepRow>(path, readJsonl(path), { step: 'number' });
  return rows.filter((row) => row.step <= step);
}
