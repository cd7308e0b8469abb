/** Prompts → sampled completions → grades: the step that `grpo` and `tinker` share. */
import type { AsyncGrader, Grade } from '../../rewards/index.js';
import {
  type Completion,
  checkVersion,
  type PromptRequest,
  type Sampler,
  type SamplingParams,
} from '../../rollout/index.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';

export interface GradedRollout {
  readonly prompt: PromptedRow;
  readonly completion: Completion;
  readonly grade: Grade;
}

interface RolloutOptions {
  readonly sampler: Pick<Sampler, 'generate'>;
  readonly params: SamplingParams;
  /** Completions per prompt. */
  readonly n: number;
  readonly grade: AsyncGrader;
  /** Version that every completion must carry. */
  readonly expectedAdapter: string | null;
}

/**
 * Completions in order of prompt, then sample.
 * @throws GuardError when the sampler answered for other weights than `expectedAdapter`
 */
export async function gradedRollouts(
  prompts: readonly PromptedRow[],
  { sampler, params, n, grade, expectedAdapter }: RolloutOptions,
): Promise<GradedRollout[]> {
  const byRequest = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  if (byRequest.size !== prompts.length) throw new Error('gradedRollouts: prompt ids repeat');
  const requests: PromptRequest[] = prompts.map(({ id, promptIds }) => ({ id, promptIds, n }));
  const completions = await sampler.generate(requests, params);
  return await Promise.all(
    completions.map(async (completion) => {
      checkVersion(completion, expectedAdapter);
      const prompt = byRequest.get(completion.requestId)!;
      const { text, ids } = completion;
      return { prompt, completion, grade: await grade(text, prompt.row, { ids }) };
    }),
  );
}
