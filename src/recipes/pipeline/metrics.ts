/** Numbers in a stage's result, by dotted name. */
import { RunError } from '../../util/errors.js';
import { isObject } from '../../util/json-object.js';

/** Every finite number of a result, nested keys joined by dots. Lists are left out. */
export function numbersOf(result: unknown): Map<string, number> {
  const numbers = [...valuesOf(result)].filter(
    (entry): entry is [string, number] => entry[1] !== null,
  );
  return new Map(numbers);
}

/** The same, and what is null. */
function valuesOf(result: unknown, prefix = ''): Map<string, number | null> {
  const values = new Map<string, number | null>();
  if (!isObject(result)) return values;
  for (const [key, value] of Object.entries(result)) {
    const name = prefix + key;
    if (value === null || Number.isFinite(value)) values.set(name, value as number | null);
    for (const [below, number] of valuesOf(value, `${name}.`)) values.set(below, number);
  }
  return values;
}

/** The full name that a name stands for: itself, or the only one that ends in `.name`. */
export function fullName(numbers: ReadonlyMap<string, unknown>, name: string): string | undefined {
  if (numbers.has(name)) return name;
  const matches = [...numbers.keys()].filter((key) => key.endsWith(`.${name}`));
  return matches.length === 1 ? matches[0] : undefined;
}

/**
 * Null for a metric that could not be told: an accuracy where nothing could be graded.
 * @throws RunError when the result has no such number, or several.
 */
export function metricOf(result: unknown, name: string, where: string): number | null {
  const values = valuesOf(result);
  const numbers = numbersOf(result);
  const key = values.has(name) ? name : (fullName(numbers, name) ?? fullName(values, name));
  if (key !== undefined) return values.get(key) ?? null;
  const known = [...numbers.keys()].join(', ') || 'no numbers';
  throw new RunError({ where, problem: `the result has no one value ${name}; it has ${known}` });
}
