/** Where two evaluations differ: the completions of both, for a report page. */
import type { Completion, PromptCompletions } from '../report/index.js';
import { isRight } from './compare-evaluations.js';
import { type KeyedRow, completionOf as keyOf } from './row-key.js';

export interface DisagreementOptions {
  /** Names of the two. */
  readonly names: readonly [string, string];
  /** Column of true and false. */
  readonly column: string;
}

/** The samples that one has right and the other wrong, where the rows hold completions. */
export function disagreements(
  rowsA: readonly KeyedRow[],
  rowsB: readonly KeyedRow[],
  { names, column }: DisagreementOptions,
): PromptCompletions[] {
  const others = new Map(rowsB.map((row) => [keyOf(row), row]));
  const [nameA, nameB] = names;
  return rowsA.flatMap((row) => {
    const other = others.get(keyOf(row));
    if (other === undefined || typeof row.completion !== 'string') return [];
    const [a, b] = [isRight(row, column), isRight(other, column)];
    if (a === null || b === null || a === b) return [];
    return [
      {
        label: keyOf(row).replace(/\/0$/, ''),
        group: `only ${a ? nameA : nameB} is right`,
        prompt: String(row.question ?? ''),
        gold: textOf(row.gold),
        completions: [completionOf(row, nameA, a), completionOf(other, nameB, b)],
      },
    ];
  });
}

function completionOf(row: KeyedRow, name: string, correct: boolean): Completion {
  const facts = ['answer', 'score', 'tokens', 'finish_reason'].flatMap((column) => {
    const value = textOf(row[column]);
    return value === null ? [] : [{ label: column.replace('_reason', ''), value }];
  });
  return { name, completion: String(row.completion ?? ''), correct, parts: [], facts };
}

/** Null of an empty cell. */
function textOf(cell: unknown): string | null {
  const text = String(cell ?? '');
  return text === '' ? null : text;
}
