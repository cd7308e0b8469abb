/** Greedy one-to-one matching of all items, which finds one when equality is transitive. */
export function matchAll<T>(
  wanted: readonly T[],
  given: readonly T[],
  equal: (wanted: T, given: T, place: number) => boolean,
): boolean {
  const left = [...given];
  const isMatched = (item: T, i: number): boolean => {
    const at = left.findIndex((other) => equal(item, other, i));
    return at >= 0 && left.splice(at, 1).length > 0;
  };
  return wanted.length === given.length && wanted.every(isMatched);
}
