/** Parsed JSON: what is an object, what stands at a place in it, and its text. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Null for a text that is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
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
