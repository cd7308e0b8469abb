/**
 * Packing: several examples in the room of one. Best fit, decreasing (TRL's `bfd`): the longest first, each into
 * the pack with the least room that still holds it. Only lengths are looked at; examples stay whole.
 */
import { InputError } from '../util/errors.js';

/**
 * Packs of indices into `lengths`, none longer than `maxLength` tokens together; a pack lists its longest first.
 * Of equal lengths the earlier comes first, so that the packs are a function of the lengths alone.
 * @throws InputError when a length is above `maxLength`.
 */
export function packByLength(lengths: readonly number[], maxLength: number): number[][] {
  const packs: number[][] = [];
  /** Packs by the room left in them. */
  const withRoom = Array.from({ length: maxLength + 1 }, (): number[][] => []);
  for (const index of longestFirst(lengths)) {
    const length = lengths[index]!;
    if (length > maxLength) throw tooLong(length, maxLength);
    let room = length;
    while (room <= maxLength && withRoom[room]!.length === 0) room++;
    const pack = room > maxLength ? [] : withRoom[room]!.pop()!;
    if (room > maxLength) packs.push(pack);
    pack.push(index);
    withRoom[Math.min(room, maxLength) - length]!.push(pack);
  }
  return packs;
}

const longestFirst = (lengths: readonly number[]): number[] =>
  Array.from(lengths.keys()).sort((a, b) => lengths[b]! - lengths[a]! || a - b);

const tooLong = (length: number, maxLength: number) =>
  new InputError({
    where: 'packing',
    problem: `${length} tokens do not fit into a pack of max_length=${maxLength}`,
    remedy: 'Raise max_length',
  });
