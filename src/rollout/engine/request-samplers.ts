/** Who draws the tokens of a request: the sampler of the call, or one for the parameters that the request brings. */
import { newScratch, TokenSampler } from '../sampling/token-sampler.js';
import type { SamplingParams, StreamRequest } from '../types.js';

export interface SamplerVocabulary {
  readonly vocabSize: number;
  readonly eosIds: readonly number[];
}

export class RequestSamplers {
  private readonly params: SamplingParams;
  private readonly make: (params: SamplingParams) => TokenSampler;
  private readonly common: TokenSampler;
  private readonly own = new WeakMap<SamplingParams, TokenSampler>();

  constructor(params: SamplingParams, { vocabSize, eosIds }: SamplerVocabulary) {
    const scratch = newScratch(vocabSize);
    this.params = params;
    this.make = (own) => new TokenSampler(own, vocabSize, eosIds, scratch);
    this.common = this.make(params);
  }

  paramsOf({ params }: StreamRequest): SamplingParams {
    return params ?? this.params;
  }

  of({ params }: StreamRequest): TokenSampler {
    if (params === undefined) return this.common;
    const sampler = this.own.get(params) ?? this.make(params);
    this.own.set(params, sampler);
    return sampler;
  }
}
