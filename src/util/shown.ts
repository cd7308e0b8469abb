/** What messages show of values and rows. */

/** The beginning of a value as JSON. */
export const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';

/** The columns of a row; what is neither text nor more is shown: `question=5, answer=null`. */
export function fieldNames(row: object): string {
  const isPlain = (value: unknown) =>
    value === null || typeof value === 'number' || typeof value === 'boolean';
  const names = Object.entries(row).map(([name, value]) =>
    isPlain(value) ? `${name}=${value}` : name,
  );
  return names.join(', ') || 'no field';
}
