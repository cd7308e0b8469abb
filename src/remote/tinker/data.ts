/**
 * Sequences as Tinker's losses read them. The service sums over tokens; each number here is divided by the tokens
 * of the optimizer step, so that its sum is our mean.
 */
import { counted } from '../../util/counted.js';
import { RunError } from '../../util/errors.js';
import type { Datum } from './tensors.js';

export interface MaskedTokens {
  readonly ids: readonly number[];
  /** Whether the loss counts the token at this position. */
  readonly trained: readonly boolean[];
}

const shifted = (ids: readonly number[]) => ({
  input: ids.slice(0, -1),
  target_tokens: ids.slice(1),
});

/** `cross_entropy`, −Σ w · log p: the weight of a trained token is 1 / trained tokens of the step. */
export function crossEntropyData(rows: readonly MaskedTokens[]): Datum[] {
  const tokens = trainedTokens(rows);
  return rows.map(({ ids, trained }) => {
    const { input, target_tokens } = shifted(ids);
    const weights = trained.slice(1).map((isTrained) => (isTrained ? 1 / tokens : 0));
    return { input, lossInputs: { target_tokens, weights } };
  });
}

/** Tokens that have a prediction and count. */
export const trainedTokens = (rows: readonly MaskedTokens[]): number =>
  rows.reduce((sum, { trained }) => sum + trained.slice(1).filter(Boolean).length, 0);

export interface SampledSequence {
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly logprobs: ArrayLike<number>;
  readonly advantage: number;
}

/**
 * `importance_sampling`, −Σ exp(log p − logprobs) · advantages, and `ppo`, the same with a clipped ratio.
 * @param tokens Completion tokens of the step
 */
export function policyGradientData(rows: readonly SampledSequence[], tokens: number): Datum[] {
  return rows.map(({ promptIds, ids, logprobs, advantage }) => {
    if (logprobs.length !== ids.length) {
      throw new RunError({
        where: 'Tinker',
        problem: `${counted(ids.length, 'sampled token')} came with ${logprobs.length} log-probabilities`,
      });
    }
    const { input, target_tokens } = shifted([...promptIds, ...ids]);
    const before = new Array<number>(promptIds.length - 1).fill(0);
    return {
      input,
      lossInputs: {
        target_tokens,
        logprobs: [...before, ...Array.from(logprobs)],
        advantages: [...before, ...ids.map(() => advantage / tokens)],
      },
    };
  });
}
