/** JSON: parsed with a bound, what is an object in it, what stands at a place, and its text. */

/** Levels of lists and objects in each other, as other parsers bound them. More would break what walks over a value. */
const DEEPEST = 1000;

/** @throws SyntaxError where the text is no JSON, or nested too deep */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (opens(text, DEEPEST) && isDeeper(value, DEEPEST)) {
    throw new SyntaxError(`nested deeper than ${DEEPEST} levels`);
  }
  return value;
}

/** Whether a text has more opening brackets than so many, which is told faster than what a value holds. */
function opens(text: string, most: number): boolean {
  let count = 0;
  for (const sign of '[{') {
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      if (++count > most) return true;
    }
  }
  return false;
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)));

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Parsed JSON whose form its reader checks. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** None where it is no list. */
export const asObjects = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as JsonObject[]) : [];

/** Null for a text that is no JSON, or nested too deep. */
export function jsonIn(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

/** Null for what is no text. */
export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Null for what is no number. */
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' ? value : null;

/** The value at a path of names and list indices, or undefined. Only what a value has itself counts. */
export function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let here = root;
  for (const key of path) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, child: unknown) =>
    isObject(child)
      ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
