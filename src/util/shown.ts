/** What messages show of values and rows. */

/** The beginning of a value as JSON. */
export const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';

/**
 * The columns of a row; what is neither text nor more is shown: `question=5, answer=null`. A name with white space
 * at its ends stands in quotes.
 */
export function fieldNames(row: object): string {
  const isPlain = (value: unknown) =>
    value === null || typeof value === 'number' || typeof value === 'boolean';
  const names = Object.entries(row).map(([key, value]) => {
    const name = key.trim() === key ? key : JSON.stringify(key);
    return isPlain(value) ? `${name}=${value}` : name;
  });
  return names.join(', ') || 'no field';
}
