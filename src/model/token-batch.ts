/**
 * What the policy is asked about: token sequences, and the tokens whose log-probability counts. Tokens
 * stand one after another without padding. A sequence is one run, or goes on from another run that
 * several sequences share, so that a prompt is computed once for all its answers.
 */
import { largest } from '../util/numbers.js';

/** Tokens `start` up to `start + length` of the batch, which belong to one sequence. */
export interface TokenRun {
  readonly start: number;
  readonly length: number;
  /** Index of the run that this one goes on from; −1: it begins a sequence. Always an earlier one. */
  readonly prefix: number;
}

/** A micro-batch of T tokens and M tokens whose log-probability is asked for. */
export interface TokenBatch {
  /** `[T]` */
  readonly ids: Int32Array;
  /** They cover all tokens, in order. */
  readonly runs: readonly TokenRun[];
  /** `[M]`, index of the token whose hidden state predicts each target. */
  readonly predictors: Int32Array;
  /** `[M]` */
  readonly targets: Int32Array;
}

/** Position in its sequence of the first token of each run. */
export function runBases(runs: readonly TokenRun[]): number[] {
  const bases: number[] = [];
  for (const { prefix } of runs) {
    bases.push(prefix < 0 ? 0 : bases[prefix]! + runs[prefix]!.length);
  }
  return bases;
}

/** Sequences that each token is in, `[T]`: of a run, as many as go on from it, or its own. */
export function sequencesThrough(runs: readonly TokenRun[]): Float32Array {
  const through = runs.map(() => 0);
  for (const [index, { prefix }] of [...runs.entries()].reverse()) {
    through[index] ||= 1;
    if (prefix >= 0) through[prefix]! += through[index]!;
  }
  return Float32Array.from(
    runs.flatMap(({ length }, i) => new Array<number>(length).fill(through[i]!)),
  );
}

/**
 * The token that many before each token in its sequence, `[T]`; T, the number of tokens, where the sequence has not
 * begun there.
 */
export function tokensBefore(runs: readonly TokenRun[], distance: number): Int32Array {
  const total = runs.reduce((sum, { length }) => sum + length, 0);
  const found = (index: number, place: number): number => {
    const { start, prefix } = runs[index]!;
    if (place >= 0) return start + place;
    return prefix < 0 ? total : found(prefix, place + runs[prefix]!.length);
  };
  const before = new Int32Array(total);
  for (const [index, { start, length }] of runs.entries()) {
    for (let i = 0; i < length; i++) before[start + i] = found(index, i - distance);
  }
  return before;
}

/** Tokens of the longest sequence. */
export function longestSequence({ runs }: Pick<TokenBatch, 'runs'>): number {
  const bases = runBases(runs);
  return Math.max(0, largest(runs.map(({ length }, i) => bases[i]! + length)));
}
