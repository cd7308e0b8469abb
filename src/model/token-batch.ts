/** What the policy is asked about: token sequences, and the tokens whose log-probability counts. */

/** A right-padded micro-batch and the tokens whose log-probability is asked for. */
export interface TokenBatch {
  readonly rows: number;
  readonly length: number;
  /** `[rows · length]`, right-padded with any id. */
  readonly ids: Int32Array;
  /** `[M]`, index `row · length + t` of the hidden state that predicts each target. */
  readonly positions: Int32Array;
  /** `[M]`, the token at t + 1. */
  readonly targets: Int32Array;
}
