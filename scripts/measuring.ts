/** What the benchmarks and the check of a GPU share: results of programs, ratios, and tables of them. */
import type { JsonRow } from '../src/util/files.js';

/** The last line of standard output where it is a JSON object, as Lorikeet and the scripts of peers print it. */
export function resultOf(stdout: string): JsonRow | null {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return last.startsWith('{') ? (JSON.parse(last) as JsonRow) : null;
  } catch {
    return null;
  }
}

/** How many times better one figure is than another; 1 for as good. */
export const timesBetter = (own: number, other: number, higherIsBetter: boolean): number =>
  higherIsBetter ? own / other : other / own;

/** Four digits; a dash for what is no number. */
export const shown = (value: unknown): string =>
  typeof value === 'number' && Number.isFinite(value) ? String(Number(value.toPrecision(4))) : '–';

type Cell = string | number;

/** Lines of a table in Markdown. */
export const table = (head: readonly Cell[], rows: readonly (readonly Cell[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`,
  );
