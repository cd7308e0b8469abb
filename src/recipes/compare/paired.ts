/** Evaluations paired by example: each input against the first, as numbers and on a page. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CompareConfig } from '../../config/index.js';
import { loadRows } from '../../data/index.js';
import {
  compareEvaluations,
  compareScores,
  disagreements,
  type KeyedRow,
} from '../../evaluate/index.js';
import {
  completionsSection,
  readRunRecord,
  type Section,
  shownPrompts,
} from '../../report/index.js';
import { type Paired, pairedTables, shortlyNamed } from '../evaluation/paired-tables.js';

/** Two inputs with their comparison. */
export interface PairedInputs {
  readonly paired: Paired;
  readonly rowsA: readonly KeyedRow[];
  readonly rowsB: readonly KeyedRow[];
}

export const isFolder = (path: string): boolean => statSync(path).isDirectory();

/** Nothing where the first input holds no evaluation. @throws InputError on examples that are not the same */
export async function pairedInputs({ inputs, column }: CompareConfig): Promise<PairedInputs[]> {
  const [a, ...others] = inputs as [string, ...string[]];
  const rowsA = await evaluationRows(a);
  if (rowsA === null) return [];
  const out: PairedInputs[] = [];
  for (const b of others) {
    const rowsB = await evaluationRows(b);
    if (rowsB === null) continue;
    const evaluations = compareEvaluations(rowsA, rowsB, column);
    const paired = { a, b, ...evaluations, ...compareScores(rowsA, rowsB) };
    out.push({ paired, rowsA, rowsB });
  }
  return out;
}

/** Rows of the evaluation that an input holds; null: it holds none. */
async function evaluationRows(input: string): Promise<readonly KeyedRow[] | null> {
  const file = evaluationFile(input);
  return file === null ? null : (await loadRows(file, { format: 'plain' })).rows;
}

function evaluationFile(input: string): string | null {
  if (!isFolder(input)) return input;
  const record = readRunRecord(input);
  const own = record?.files.find((file) => file.endsWith(`${record.run_id}.csv`));
  return own === undefined ? null : join(input, own);
}

/** Of a page: the tables, the chart, and the completions that only one of two has right. */
export function pairedSections(pairs: readonly PairedInputs[], column: string): Section[] {
  const paired = pairs.map(({ paired: own }) => own);
  const named = shortlyNamed(paired);
  return [
    ...pairedTables(paired, column),
    ...pairs.map(({ rowsA, rowsB }, i) => {
      const { a, b } = named[i]!;
      return completionsSection({
        title: `${a} against ${b}: examples that one has right`,
        ...shownPrompts(disagreements(rowsA, rowsB, { names: [a, b], column }).map((one) => [one])),
        file: 'the inputs',
      });
    }),
  ];
}
