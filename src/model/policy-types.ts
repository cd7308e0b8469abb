/** What the policy is asked for, and what it answers. */
import type { GradientColumn, Tensor, Tensor1D } from '../tensor/index.js';
import type { RouterLoss, RouterUse } from './routers.js';

/** Which LoRA matrices are active: the trained ones, none, or a frozen starting copy. */
export type AdapterChoice = 'policy' | 'off' | 'reference';

export interface ScoreOptions extends Pick<GradientOptions, 'meanLogits'> {
  /** Adds a fourth column, the mean log p over the vocabulary. */
  readonly meanLogp?: boolean;
  readonly adapter?: AdapterChoice;
  readonly temperature?: number;
  /** Called with how the routers of experts spread the tokens; its tensor is valid during the call. */
  readonly onRouters?: (use: RouterUse) => void;
}

/** A loss on `[M, 3 or 4]` token scores (see `tokenScores`), with metrics as scalars. */
export type TokenLoss = (scores: Tensor) => {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
};

export interface GradientOptions {
  readonly temperature?: number;
  /** Turns dropout and embedding noise on. */
  readonly dropoutSeed?: number | string;
  /** Columns of the scores that the loss depends on; default: log p alone. */
  readonly columns?: readonly GradientColumn[];
  /** Added to the loss, where there are experts. */
  readonly routerLoss?: RouterLoss;
  /** Adds a fourth column, the mean of the logits over the vocabulary, for metrics; not where logits have a cap. */
  readonly meanLogits?: boolean;
}

export interface Gradients {
  /** `[parameters.size]`; the caller disposes it. */
  readonly gradient: Tensor1D;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** log p of the targets, `[M]`. */
  readonly logps: Float32Array;
  readonly seconds: PassSeconds;
}

/** Where the time of a gradient went. `backward` holds what checkpointed layers compute again. */
export interface PassSeconds {
  readonly forward: number;
  /** Output head and loss, with the head's own derivative. */
  readonly head: number;
  readonly backward: number;
}
