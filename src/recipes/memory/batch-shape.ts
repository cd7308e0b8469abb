/** The largest micro-batch of a training, from its config: what the memory plan counts tokens by. */

/** So many sequences, each of at most so many tokens. */
export interface BatchShape {
  readonly rows: number;
  readonly longest: number;
  /** Prompts that stand in the batch once for all their completions; absent: each sequence is whole. */
  readonly shared?: SharedPrompts;
}

interface SharedPrompts {
  /** Tokens of a prompt, a part of `longest`. */
  readonly length: number;
  /** Completions of a prompt, which a step has all of. */
  readonly generations: number;
}

/** Longest prompt that counts where the config does not limit it. */
export const PROMPT_LENGTH = 512;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/**
 * Most prompts among so many completions next to each other: micro-batches begin at their multiples, groups at those
 * of the generations.
 */
const promptsAmong = (rows: number, generations: number): number =>
  Math.ceil((rows + generations - divisor(rows, generations)) / generations);

/** @returns tokens of so many sequences, and those of them that count in the loss at most. */
export function tokensOf(
  { longest, shared }: BatchShape,
  rows: number,
): { readonly tokens: number; readonly predicted: number } {
  if (shared === undefined) return { tokens: rows * longest, predicted: rows * longest };
  const predicted = rows * (longest - shared.length);
  const tokens = predicted + promptsAmong(rows, shared.generations) * shared.length;
  return { tokens, predicted };
}
