/** The keys of sampling → the parameters of an engine. */
import { PLAIN_SAMPLING, type SamplingParams } from '../../rollout/index.js';

export interface SamplingKeys {
  readonly temperature: number;
  readonly top_p: number;
  readonly top_k: number;
  readonly stop: readonly string[];
  readonly seed: number;
}

export interface FilterKeys {
  readonly min_p: number;
  readonly repetition_penalty: number;
}

export const filterParams = (
  keys: FilterKeys,
): Pick<SamplingParams, 'minP' | 'repetitionPenalty'> => ({
  minP: keys.min_p,
  repetitionPenalty: keys.repetition_penalty,
});

export const samplingParams = (keys: SamplingKeys, maxNewTokens: number): SamplingParams => ({
  ...PLAIN_SAMPLING,
  temperature: keys.temperature,
  topP: keys.top_p,
  topK: keys.top_k,
  maxNewTokens,
  stopStrings: [...keys.stop],
  seed: keys.seed,
});
