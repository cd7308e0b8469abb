/** Regular expressions over names of modules, as PEFT's configs write them. */

/** A pattern for whole names; null where it is none. Python's named groups are the one difference that configs use. */
export function namePattern(source: string): RegExp | null {
  try {
    return new RegExp(`^(?:${source.replaceAll('(?P<', '(?<')})$`);
  } catch {
    return null;
  }
}
