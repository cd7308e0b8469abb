/** The random stream of one completion: the same alone, in any batch, in any slot, and on any server. */
import { Rng } from '../../util/rng.js';
import type { PromptRequest } from '../types.js';

/** @param seed Of the call, where the request has none of its own. */
export const completionRng = (request: PromptRequest, seed: number, sampleIndex: number): Rng =>
  request.seed === undefined
    ? Rng.of(seed, 'rollout', request.id, sampleIndex)
    : Rng.of(request.seed, 'rollout', sampleIndex);
