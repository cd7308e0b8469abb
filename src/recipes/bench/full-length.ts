/** Sequences of given lengths: prompts of random tokens, and completions that only their limit ends. */
import type { Rng } from '../../util/rng.js';
import type { ModelSource } from '../inputs/model-source.js';

/** Random tokens that no special meaning attaches to. */
export const randomTokens = (rng: Rng, count: number, vocabulary: number): number[] =>
  Array.from({ length: count }, () => rng.int(3, vocabulary - 1));

/** The model with no token that ends a completion. */
export const endless = (source: ModelSource): ModelSource => ({
  ...source,
  tokenizer: { ...source.tokenizer, eosIds: [] },
});
