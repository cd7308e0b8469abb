/** The vocabulary as a tree of bytes, so that tokens with the same beginning are tried once. */

/** Nodes in order of creation; the root is node 0. */
export interface TokenTrie {
  /** Byte that leads to the node. */
  readonly byte: Uint8Array;
  readonly firstChild: Int32Array;
  /** Next child of the same parent; 0 for none. */
  readonly sibling: Int32Array;
  /** Tokens that end at a node. */
  readonly tokens: ReadonlyMap<number, readonly number[]>;
}

/** @param tokenBytes bytes of each id; null and empty ones are left out */
export function buildTrie(tokenBytes: readonly (Uint8Array | null)[]): TokenTrie {
  const byte = [0];
  const firstChild = [0];
  const sibling = [0];
  const tokens = new Map<number, number[]>();
  const child = (node: number, value: number): number => {
    for (let at = firstChild[node]!; at !== 0; at = sibling[at]!) if (byte[at] === value) return at;
    byte.push(value);
    firstChild.push(0);
    sibling.push(firstChild[node]!);
    firstChild[node] = byte.length - 1;
    return byte.length - 1;
  };
  for (const [id, text] of tokenBytes.entries()) {
    if (text === null || text.length === 0) continue;
    const node = text.reduce(child, 0);
    const ends = tokens.get(node);
    if (ends === undefined) tokens.set(node, [id]);
    else ends.push(id);
  }
  return {
    byte: Uint8Array.from(byte),
    firstChild: Int32Array.from(firstChild),
    sibling: Int32Array.from(sibling),
    tokens,
  };
}
