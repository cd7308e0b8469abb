/** Runs of tokens → chunks that go on from each other (see `ChunkLayout`). */
import {
  type ChunkLayout,
  type ChunkLevel,
  indicesOnDevice,
  tf,
  trianglesOf,
} from '../tensor/index.js';
import type { TokenRun } from './token-batch.js';

/** Longer ones compute more inside of them, shorter ones more of one after the other. */
const LONGEST = 64;

/** Places of a chunk for the longest of these runs. */
export function chunkSize(longest: number): number {
  return Math.min(LONGEST, 2 ** Math.ceil(Math.log2(Math.max(1, longest))));
}

interface Chunk {
  /** Its tokens. */
  readonly start: number;
  readonly length: number;
  readonly parent: Chunk | null;
  readonly children: Chunk[];
}

/** Every chunk below its parent, the roots first. */
function forest(runs: readonly TokenRun[], size: number): Chunk[] {
  const ends: (Chunk | null)[] = [];
  const roots: Chunk[] = [];
  for (const { start, length, prefix } of runs) {
    let parent = prefix < 0 ? null : ends[prefix]!;
    for (let at = 0; at < length; at += size) {
      const own = { start: start + at, length: Math.min(size, length - at), parent, children: [] };
      (parent?.children ?? roots).push(own);
      parent = own;
    }
    ends.push(parent);
  }
  return roots;
}

/** Those that others go on from come first, and these in the order of what they go on from. */
function levelsOf(roots: readonly Chunk[]): Chunk[][] {
  const levels: Chunk[][] = [];
  let level: readonly Chunk[] = roots;
  while (level.length > 0) {
    const hasChildren = ({ children }: Chunk) => children.length > 0;
    const sorted = [...level.filter(hasChildren), ...level.filter((each) => !hasChildren(each))];
    levels.push(sorted);
    level = sorted.flatMap(({ children }) => children);
  }
  return levels;
}

/** The caller disposes it by `disposeChunks`. */
export function chunkLayout(runs: readonly TokenRun[]): ChunkLayout {
  const size = chunkSize(Math.max(...runs.map(({ length }) => length)));
  const total = runs.reduce((sum, { length }) => sum + length, 0);
  const levels = levelsOf(forest(runs, size));
  const all = levels.flat();
  const tokens = new Int32Array(all.length * size).fill(total);
  const places = new Int32Array(total);
  for (const [chunk, { start, length }] of all.entries()) {
    for (let i = 0; i < length; i++) {
      tokens[chunk * size + i] = start + i;
      places[start + i] = chunk * size + i;
    }
  }
  const kept = (values: Int32Array) => tf.keep(indicesOnDevice(values));
  return {
    size,
    tokens: kept(tokens),
    places: kept(places),
    triangles: trianglesOf(size, (values) => tf.keep(tf.tensor2d(values, [size, size]))),
    levels: levels.map((level, i): ChunkLevel => {
      const former = levels[i - 1] ?? [];
      const from = Int32Array.from(level, ({ parent }) => former.indexOf(parent!));
      const continued = level.filter(({ children }) => children.length > 0).length;
      const isInPlace =
        i === 0 || (from.every((each, at) => each === at) && lengthOf(former) === level.length);
      return { count: level.length, continued, from: isInPlace ? null : kept(from) };
    }),
  };
}

/** Chunks of a level that others go on from. */
const lengthOf = (level: readonly Chunk[]): number =>
  level.filter(({ children }) => children.length > 0).length;

export function disposeChunks({ tokens, places, triangles, levels }: ChunkLayout): void {
  const { identity, lower, below, halves } = triangles;
  const own = [tokens, places, identity, lower, below, ...halves];
  tf.dispose([...own, ...levels.flatMap(({ from }) => (from === null ? [] : [from]))]);
}
