/** The prompt part of any row, as the tokenizer renders it. */
import { type ChatRow, variableColumns } from '../../tokenizer/index.js';
import type { JsonRow } from '../../util/files.js';

/** A question becomes a user message. */
export function promptRow(row: JsonRow): ChatRow {
  if (typeof row.question !== 'string') return row;
  return { ...variableColumns(row), prompt: [{ role: 'user', content: row.question }] };
}
