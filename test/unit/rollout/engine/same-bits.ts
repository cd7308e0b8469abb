/** Whether a completion depends on those beside it: for tests of samplers on our own operators. */
import { expect } from 'vitest';
import type {
  PromptRequest,
  RolloutSampler,
  SamplingParams,
} from '../../../../src/rollout/index.js';

export const PRECISIONS = [
  'float32',
  'bfloat16',
  'int8',
  'int8_weight_only',
  'int4_weight_only',
] as const;

/** Prompts of 1 to 40 tokens. */
export const promptsOf = (vocabSize: number, count: number): PromptRequest[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `prompt ${i}`,
    promptIds: Array.from({ length: 1 + ((i * 7) % 40) }, (_, j) => (i * 31 + j * 17) % vocabSize),
    n: 1,
  }));

interface SameBitsOptions {
  readonly requests: readonly PromptRequest[];
  readonly params: SamplingParams;
  /** Those that are also asked for by themselves. */
  readonly alone: readonly number[];
}

/** Ids and log-probabilities of a batch, of the same in another order, and alone. */
export async function expectSameBits(
  sampler: Pick<RolloutSampler, 'generate'>,
  { requests, params, alone: indices }: SameBitsOptions,
): Promise<void> {
  const together = await sampler.generate(requests, params);
  const reordered = (await sampler.generate([...requests].reverse(), params)).reverse();
  for (const [i, { ids, logprobs }] of together.entries()) {
    expect(reordered[i]!.ids).toEqual(ids);
    expect(reordered[i]!.logprobs).toEqual(logprobs);
  }
  for (const i of indices) {
    const [alone] = await sampler.generate([requests[i]!], params);
    expect(alone!.ids).toEqual(together[i]!.ids);
    expect(alone!.logprobs).toEqual(together[i]!.logprobs);
  }
}
