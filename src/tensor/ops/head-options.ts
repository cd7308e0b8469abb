/** What the output head is asked for, and the columns it answers with. */
import type { ComputeType } from '../native/calls.js';

export interface HeadOptions {
  readonly temperature: number;
  /** Multiplies logits (Granite), before the cap. */
  readonly logitScale: number;
  readonly softcap: number | null;
  /** The head's weight is trained: its gradient is computed too. */
  readonly trainable: boolean;
  /** Type of `weight`; default float32. bfloat16 needs our own operations, and no other column than log p. */
  readonly compute?: ComputeType;
  /** Columns that carry a gradient; default: log p alone. Empty: none does, and nothing is computed for it. */
  readonly gradients?: readonly GradientColumn[];
  /** Positions per chunk. */
  readonly chunk?: number;
}

/** Columns of the result. */
export const LOGP = 0;
export const ENTROPY = 1;
export const CORRECT = 2;
/** There when `gradients` names `mean_logp`. */
export const MEAN_LOGP = 3;

export type GradientColumn = 'logp' | 'entropy' | 'mean_logp';

export const COLUMNS = {
  logp: LOGP,
  entropy: ENTROPY,
  mean_logp: MEAN_LOGP,
} as const satisfies Record<GradientColumn, number>;

export const gradientColumns = ({ gradients }: HeadOptions): readonly GradientColumn[] =>
  gradients ?? ['logp'];
