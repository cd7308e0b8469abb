/** The prompt part of any row, as the tokenizer renders it. */
import { type ChatRow, variableColumns } from '../../tokenizer/index.js';
import type { JsonRow } from '../../util/files.js';
import { rowForm } from './row-form.js';

/** A question becomes a user message, where nothing else is read (`rowForm`). */
export function promptRow(row: JsonRow): ChatRow {
  if (rowForm(row) !== 'question') return row;
  return { ...variableColumns(row), prompt: [{ role: 'user', content: row.question }] };
}
