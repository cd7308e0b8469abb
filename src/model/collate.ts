/** Token sequences with a loss mask → one `TokenBatch`; prompts that several sequences share come once. */
import type { TokenBatch, TokenRun } from './token-batch.js';

export interface MaskedSequence {
  readonly ids: readonly number[];
  /** `trained[t]`: the loss counts token t. Token 0 has no prediction and never counts. */
  readonly trained: readonly boolean[];
}

export interface CollatedBatch extends TokenBatch {
  /** Sequences in the batch. */
  readonly rows: number;
  /** `[M]` sequence of each target. */
  readonly sequences: Int32Array;
}

/** Tokens before the first that counts: the prompt. */
const promptLength = ({ trained }: MaskedSequence): number => Math.max(0, trained.indexOf(true, 1));

/** The prompt as a key: the same for sequences that share it. */
export const promptKey = (sequence: MaskedSequence): string =>
  sequence.ids.slice(0, promptLength(sequence)).join();

/** Prompts that at least two sequences share, by the sequences that do. */
function sharedPrompts(sequences: readonly MaskedSequence[]): ReadonlyMap<number, string> {
  const owners = new Map<string, number[]>();
  for (const [i, sequence] of sequences.entries()) {
    const key = promptKey(sequence);
    if (key !== '') owners.set(key, [...(owners.get(key) ?? []), i]);
  }
  const shared = [...owners].filter(([, members]) => members.length > 1);
  return new Map(shared.flatMap(([key, members]) => members.map((i) => [i, key])));
}

/** Lays sequences out one after another, a shared prompt before the first of its sequences. */
class Layout {
  readonly ids: number[] = [];
  readonly runs: TokenRun[] = [];
  private readonly prompts = new Map<string, number>();

  /** @returns index of the run. */
  private add(tokens: readonly number[], prefix: number): number {
    this.runs.push({ start: this.ids.length, length: tokens.length, prefix });
    for (const token of tokens) this.ids.push(token);
    return this.runs.length - 1;
  }

  /** @returns index in the batch of each token of the sequence. */
  place(sequence: MaskedSequence, prompt: string | undefined): (t: number) => number {
    const { ids } = sequence;
    if (prompt === undefined) {
      const { start } = this.runs[this.add(ids, -1)]!;
      return (t) => start + t;
    }
    const length = promptLength(sequence);
    let prefix = this.prompts.get(prompt);
    if (prefix === undefined) {
      prefix = this.add(ids.slice(0, length), -1);
      this.prompts.set(prompt, prefix);
    }
    const shared = this.runs[prefix]!.start;
    const own = this.runs[this.add(ids.slice(length), prefix)]!.start;
    return (t) => (t < length ? shared + t : own + t - length);
  }
}

/**
 * Targets stand in order of sequence, then position.
 * @param options.sharePrompts Compute a prompt that several sequences begin with once; default true.
 */
export function collate(
  sequences: readonly MaskedSequence[],
  { sharePrompts = true }: { readonly sharePrompts?: boolean } = {},
): CollatedBatch {
  const prompts = sharePrompts ? sharedPrompts(sequences) : new Map<number, string>();
  const layout = new Layout();
  const predictors: number[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  for (const [row, sequence] of sequences.entries()) {
    const indexOf = layout.place(sequence, prompts.get(row));
    for (let t = 1; t < sequence.ids.length; t++) {
      if (!sequence.trained[t]) continue;
      predictors.push(indexOf(t - 1));
      targets.push(sequence.ids[t]!);
      owners.push(row);
    }
  }
  return {
    rows: sequences.length,
    ids: Int32Array.from(layout.ids),
    runs: layout.runs,
    predictors: Int32Array.from(predictors),
    targets: Int32Array.from(targets),
    sequences: Int32Array.from(owners),
  };
}

/** Number of tokens that the loss counts. */
export const trainedTokens = ({ trained }: MaskedSequence): number =>
  trained.reduce((sum, counts, t) => sum + (counts && t > 0 ? 1 : 0), 0);
