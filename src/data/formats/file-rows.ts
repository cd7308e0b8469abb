/** What a file reader gives: rows, and where each of them stands, for errors. */
import type { JsonRow } from '../../util/files.js';

export interface FileRows {
  readonly rows: readonly JsonRow[];
  /** `file:line` for JSONL, `file:row N` (from 1, the header not counted) for the others. */
  readonly where: (index: number) => string;
}

export const rowLabel = (path: string, index: number): string => `${path}:row ${index + 1}`;
