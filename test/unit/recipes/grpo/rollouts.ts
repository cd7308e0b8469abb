/** Graded completions with nothing but their rewards. */
import type { AdvantageKeys } from '../../../../src/recipes/reinforcement/advantages.js';
import type { GradedRollout } from '../../../../src/recipes/sampling/graded-rollouts.js';

/** A completion of `tokens` tokens with this reward. */
export function rollout(id: string, total: number | null, tokens = 4): GradedRollout {
  const completion = {
    requestId: id,
    sampleIndex: 0,
    promptIds: [1],
    ids: Array.from({ length: tokens }, () => 5),
    text: '',
    logprobs: new Float32Array(tokens),
    finishReason: 'stop',
    adapter: null,
    seconds: 0,
  } as const;
  const prompt = { id, row: {}, promptIds: [1] };
  return {
    prompt: prompt as unknown as GradedRollout['prompt'],
    completion: completion as unknown as GradedRollout['completion'],
    grade: { total, parts: { format: { score: total, status: 'ok' } } },
  };
}

/** Completions of one prompt, by their rewards. */
export const group = (id: string, ...totals: (number | null)[]) =>
  totals.map((total) => rollout(id, total));

/** Of rewards that are summed first. */
export const summed = (groupSize: number): AdvantageKeys => ({
  num_generations: groupSize,
  scale_rewards: 'group',
  multi_objective_aggregation: 'sum_then_normalize',
  rewards: [{ name: 'format', weight: 1 }],
});
