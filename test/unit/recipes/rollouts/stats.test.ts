/** Statistics of trajectories, some or all of which could not be graded. */
import { expect, it } from 'vitest';
import { rolloutsStats } from '../../../../src/recipes/rollouts/stats.js';
import type { TrajectoryRow } from '../../../../src/recipes/rollouts/trajectories.js';

const row = (prompt: string, correct: boolean | null) =>
  ({
    ...{ prompt_id: prompt, arm: 'greedy', correct, coherent_correct: correct, reward: null },
    ...{ num_tokens: 3, perturbed_answers: [], finish_reason: 'stop' },
    ...{ s_end: 1, s_path: 1, s_cf: null, s_wm: 1 },
  }) as unknown as TrajectoryRow;

const stats = (rows: readonly TrajectoryRow[]) =>
  rolloutsStats(rows, { arms: ['greedy', 'plan'], posterior: {} });

it('leaves what could not be graded out of the accuracies, also of an arm', () => {
  const { ungraded, accuracy, arms } = stats([row('a', true), row('b', false), row('c', null)]);
  expect({ ungraded, accuracy }).toEqual({ ungraded: 1, accuracy: 0.5 });
  expect(arms.greedy).toMatchObject({ pulls: 3, accuracy: 0.5 });
  expect(arms.plan).toMatchObject({ pulls: 0, accuracy: null });
});

it('has no accuracy where nothing could be graded', () => {
  const { arms, ...all } = stats([row('a', null)]);
  expect(all).toMatchObject({ accuracy: null, accuracy_low: null, coherent_correct_high: null });
  expect(arms.greedy?.accuracy).toBeNull();
});

it('gives the mean of the posterior of each arm, which begins at one half', () => {
  const posterior = { greedy: { pulls: 6, reward_sum: 4.5 } };
  const { arms } = rolloutsStats([row('a', true)], { arms: ['greedy', 'plan'], posterior });
  // Beta(1 + 4.5, 1 + 6 - 4.5) and Beta(1, 1).
  expect(arms.greedy).toMatchObject({ posterior_pulls: 6, posterior_mean: 5.5 / 8 });
  expect(arms.plan).toMatchObject({ posterior_pulls: 0, posterior_mean: 0.5 });
});
