/** Halves of characters in rows (`"\ud83d"`), of which tokenizers read U+FFFD: counted and said. */
import type { LoadedRows } from '../../data/index.js';
import { counted } from '../../util/counted.js';

/** A surrogate without its other half. */
const HALF = /\p{Surrogate}/u;

function hasHalf(value: unknown): boolean {
  if (typeof value === 'string') return HALF.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasHalf);
}

export function sayBrokenCharacters(
  { rows, where }: Pick<LoadedRows, 'rows' | 'where'>,
  log: (line: string) => void,
): void {
  const broken = [...rows.keys()].filter((index) => hasHalf(rows[index]));
  const [first] = broken;
  if (first === undefined) return;
  log(
    `warning: half a character (a surrogate without its other half) in ${counted(broken.length, 'row')} is read as U+FFFD (the first: ${where(first)})`,
  );
}
