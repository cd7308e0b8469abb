/** Numbers in a stage's result, by dotted name. */
import { RunError } from '../../util/errors.js';
import { isObject } from '../../util/json-object.js';

/** Every finite number of a result, nested keys joined by dots. Lists are left out. */
export function numbersOf(result: unknown, prefix = ''): Map<string, number> {
  const numbers = new Map<string, number>();
  if (!isObject(result)) return numbers;
  for (const [key, value] of Object.entries(result)) {
    const name = prefix + key;
    if (typeof value === 'number' && Number.isFinite(value)) numbers.set(name, value);
    for (const [below, number] of numbersOf(value, `${name}.`)) numbers.set(below, number);
  }
  return numbers;
}

/** The full name that a name stands for: itself, or the only one that ends in `.name`. */
export function fullName(numbers: ReadonlyMap<string, number>, name: string): string | undefined {
  if (numbers.has(name)) return name;
  const matches = [...numbers.keys()].filter((key) => key.endsWith(`.${name}`));
  return matches.length === 1 ? matches[0] : undefined;
}

/** @throws RunError when the result has no such number, or several. */
export function metricOf(result: unknown, name: string, where: string): number {
  const numbers = numbersOf(result);
  const key = fullName(numbers, name);
  if (key !== undefined) return numbers.get(key) as number;
  const known = [...numbers.keys()].join(', ') || 'no numbers';
  throw new RunError({ where, problem: `the result has no one value ${name}; it has ${known}` });
}
