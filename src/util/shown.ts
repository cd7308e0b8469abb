/** What messages show of values and rows. */

/** Characters of a value that are shown. */
const LENGTH = 80;

/** A value as JSON, by its beginning where it is long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > LENGTH ? `${text.slice(0, LENGTH)}…` : text;
}

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
