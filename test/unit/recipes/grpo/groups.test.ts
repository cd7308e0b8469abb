import { describe, expect, it } from 'vitest';
import { furtherPrompts, sampledGroups } from '../../../../src/recipes/grpo/groups.js';
import { teaches } from '../../../../src/recipes/reinforcement/advantages.js';
import type { GradedRollout } from '../../../../src/recipes/sampling/graded-rollouts.js';
import { group, rollout, summed } from './rollouts.js';

const idsOf = (rollouts: readonly GradedRollout[]) => [
  ...new Set(rollouts.map(({ prompt }) => prompt.id)),
];

const options = (groupSize: number) => ({
  groupSize,
  teaches: (one: readonly GradedRollout[]) => teaches(one, summed(groupSize)),
});

describe('dynamic sampling', () => {
  const rounds = [
    [...group('a', 1, 0), ...group('b', 1, 1), ...group('c', 0, 0)],
    [...group('d', 0, 0), ...group('e', 0, 1)],
    [...group('f', 1, 0)],
  ];
  const calls: [number, number][] = [];
  const sample = async (round: number, count: number) => {
    calls.push([round, count]);
    return rounds[round]!;
  };
  const refill = (maxRounds: number) => {
    calls.length = 0;
    return sampledGroups({ ...options(2), groups: 3, maxRounds, sample });
  };

  it('samples what is missing until all groups teach', async () => {
    const { chosen, replaced, rounds: done } = await refill(5);
    expect(calls).toEqual([
      [0, 3],
      [1, 2],
      [2, 1],
    ]);
    expect(idsOf(chosen)).toEqual(['a', 'e', 'f']);
    expect(idsOf(replaced)).toEqual(['b', 'c', 'd']);
    expect(done).toBe(3);
  });

  it('ends with the rounds and keeps the size of the batch', async () => {
    const { chosen, rounds: done } = await refill(2);
    expect(idsOf(chosen)).toEqual(['a', 'e', 'b']);
    expect(done).toBe(2);
    expect(idsOf((await refill(1)).chosen)).toEqual(['a', 'b', 'c']);
  });

  it('does not take missing grades for a difference', async () => {
    const only = { ...options(2), groups: 1, maxRounds: 2 };
    const { chosen } = await sampledGroups({
      ...only,
      sample: async () => [...group('x', null, 1), ...group('y', 0, 1)],
    });
    expect(idsOf(chosen)).toEqual(['y']);
  });

  it('does not take rounding for a difference', async () => {
    const flat = Array.from({ length: 8 }, () => 0.1);
    const only = { ...options(8), groups: 1, maxRounds: 2 };
    const rounds = [group('x', ...flat), group('y', ...flat.slice(1), 0.2)];
    const { chosen } = await sampledGroups({ ...only, sample: async (round) => rounds[round]! });
    expect(idsOf(chosen)).toEqual(['y']);
  });

  it('draws further prompts as a function of seed, generation and round', () => {
    const prompts = Array.from({ length: 20 }, (_, i) => rollout(`${i}`, 0).prompt);
    const at = { seed: 1, generation: 3, round: 1 };
    expect(furtherPrompts(prompts, at)).toEqual(furtherPrompts(prompts, at));
    expect(furtherPrompts(prompts, at)).not.toEqual(furtherPrompts(prompts, { ...at, round: 2 }));
  });
});
