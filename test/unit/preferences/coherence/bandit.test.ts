/** The dealing of arms: budgets, greedy arms, posteriors by hand, and that better arms win. */
import { describe, expect, it } from 'vitest';
import { sampleBeta } from '../../../../src/preferences/coherence/beta.js';
import {
  type BanditPolicy,
  dealArms,
  observe,
  type Posterior,
} from '../../../../src/preferences/index.js';
import { Rng } from '../../../../src/util/rng.js';

const arms = ['a', 'b', 'c', 'd'].map((name) => ({ name, isDeterministic: name === 'a' }));
const deal = (policy: BanditPolicy, posterior: Posterior, questions: number[], trajectories = 4) =>
  dealArms(posterior, {
    policy,
    arms,
    trajectories,
    questions,
    exploration: 0.5,
    rngOf: (question) => Rng.of(7, question),
  });

describe('sampleBeta', () => {
  it.each([
    [1, 1],
    [3, 1],
    [2.5, 7],
  ])('Beta(%f, %f) has its mean and variance', (a, b) => {
    const rng = Rng.of(1, 'beta', a, b);
    const draws = Array.from({ length: 20_000 }, () => sampleBeta(rng, a, b));
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(a / (a + b), 1.9);
    expect(variance).toBeCloseTo((a * b) / ((a + b) ** 2 * (a + b + 1)), 2.5);
  });
});

describe('dealArms', () => {
  it('uniform: as many trajectories as arms are one an arm; else it goes on in turn', () => {
    expect(deal('uniform', {}, [0, 1])).toEqual([
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'c', 'd'],
    ]);
    expect(deal('uniform', {}, [0, 1], 3)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'a', 'b'],
    ]);
  });

  it.each(['uniform', 'thompson', 'ucb'] as const)(
    '%s keeps to the budget and asks a greedy arm once a question',
    (policy) => {
      const poor = { pulls: 50, reward_sum: 0 };
      const best = { a: { pulls: 50, reward_sum: 50 }, b: poor, c: poor, d: poor };
      for (const dealt of deal(policy, best, [0, 1, 2], 6)) {
        expect(dealt).toHaveLength(6);
        expect(dealt.filter((name) => name === 'a')).toHaveLength(1);
      }
    },
  );

  it('ucb takes the largest mean + c sqrt(ln N / n), unseen arms first, and counts what is dealt', () => {
    // N = 40: b .5 + .5 sqrt(ln 40 / 10) = .804; c .7 + .5 sqrt(ln 40 / 20) = .915; d .1 + .304 = .404.
    const posterior = {
      b: { pulls: 10, reward_sum: 5 },
      c: { pulls: 20, reward_sum: 14 },
      d: { pulls: 10, reward_sum: 1 },
    };
    const [first] = deal('ucb', posterior, [0], 3);
    expect(first?.slice(0, 2)).toEqual(['a', 'c']);
    expect(deal('ucb', {}, [0])[0]).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each(['thompson', 'ucb'] as const)('%s finds the best arm', (policy) => {
    const rates: Record<string, number> = { a: 0.1, b: 0.8, c: 0.3, d: 0.2 };
    const world = Rng.of(3, policy);
    let posterior: Posterior = {};
    const last: string[] = [];
    for (let question = 0; question < 200; question++) {
      const [dealt = []] = deal(policy, posterior, [question]);
      if (question >= 150) last.push(...dealt);
      for (const arm of dealt) {
        posterior = observe(posterior, arm, world.uniform() < (rates[arm] ?? 0) ? 1 : 0);
      }
    }
    expect(last.filter((arm) => arm === 'b').length / last.length).toBeGreaterThan(0.7);
    expect(posterior.b?.pulls).toBeGreaterThan(400);
  });

  it('observe adds to one arm', () => {
    const once = observe({}, 'b', 0.25);
    expect(observe(once, 'b', 1)).toEqual({ b: { pulls: 2, reward_sum: 1.25 } });
    expect(once).toEqual({ b: { pulls: 1, reward_sum: 0.25 } });
  });
});
