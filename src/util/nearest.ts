/** The known name nearest to a misspelt one. */

/** Levenshtein distance: insertions, deletions and substitutions of one character cost 1. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitution));
    }
    row = next;
  }
  return row[b.length]!;
}

/** What an error says of a name that is none of the known ones. */
export function knownNames(name: string, known: readonly string[]): string {
  const like = nearest(name, known);
  return `${like === undefined ? '' : `The nearest is ${like}. `}Known are ${known.join(', ')}`;
}

/** Names that differ in more than this share of their characters have nothing to do with each other. */
const FARTHEST = 0.5;

/**
 * The candidate of least edit distance per character of the longer name (the first of equals), or
 * undefined when there is none that resembles it: more than half of the characters differ, and
 * neither name holds the other.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate) / Math.max(name.length, candidate.length, 1);
    const isLike = distance <= FARTHEST || candidate.includes(name) || name.includes(candidate);
    if (isLike && distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}
