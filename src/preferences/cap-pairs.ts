/** At most so many pairs of each type, drawn by a seed, in their order. */
import { groupBy } from '../util/group.js';
import { Rng } from '../util/rng.js';

export function capPairs<T extends { readonly pair_type: string }>(
  pairs: readonly T[],
  { perType, seed }: { readonly perType: number | null; readonly seed: number },
): T[] {
  if (perType === null) return [...pairs];
  const groups = groupBy(pairs, ({ pair_type: type }) => type);
  const kept = [...groups].flatMap(([type, group]) =>
    Rng.of(seed, 'pairs', 'cap', type).shuffle(group).slice(0, perType),
  );
  const chosen = new Set(kept);
  return pairs.filter((pair) => chosen.has(pair));
}
