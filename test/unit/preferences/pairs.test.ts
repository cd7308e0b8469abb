/** Preference pairs from hand-written rollouts. */
import { describe, expect, it } from 'vitest';
import { type CompletionRow, pairsFromRollouts } from '../../../src/preferences/index.js';

/** `+` is a correct completion (reward 1.2), `-` a wrong one with format (0.2), `0` one without (0). */
function rollouts(question: string, marks: string): CompletionRow[] {
  return [...marks].map((mark, i) => ({
    question,
    completion: `${question}${i}${mark}`,
    correct: mark === '+',
    reward: mark === '+' ? 1.2 : mark === '-' ? 0.2 : 0,
  }));
}

describe('correctness pairs', () => {
  it('pairs correct with incorrect and counts prompts without a pair by reason', () => {
    const rows = [
      ...rollouts('a', '+-'),
      ...rollouts('b', '++'),
      ...rollouts('c', '--'),
      ...rollouts('d', '+'),
    ];
    const { pairs, stats } = pairsFromRollouts(rows, { seed: 1 });
    expect(pairs).toEqual([
      {
        question: 'a',
        chosen: 'a0+',
        rejected: 'a1-',
        chosen_reward: 1.2,
        rejected_reward: 0.2,
        pair_type: 'correctness',
      },
    ]);
    expect(stats).toEqual({
      prompts: 4,
      pairs: 1,
      pairs_by_type: { correctness: 1 },
      pairs_over_cap: 0,
      prompts_with_pair: 1,
      prompts_without_pair: { all_correct: 1, all_incorrect: 1, single: 1, small_margin: 0 },
      duplicates_dropped: 0,
      ungraded_dropped: 0,
      mean_margin: 1,
    });
  });

  it('gives every combination once, rows used evenly, up to the maximum', () => {
    const options = { seed: 1, maxPairsPerPrompt: 3 };
    const { pairs } = pairsFromRollouts(rollouts('a', '++-+--'), options);
    expect(new Set(pairs.map(({ chosen }) => chosen)).size).toBe(3);
    expect(new Set(pairs.map(({ rejected }) => rejected)).size).toBe(3);
    const all = pairsFromRollouts(rollouts('a', '+--++'), { seed: 1, maxPairsPerPrompt: 99 }).pairs;
    expect(new Set(all.map(({ chosen, rejected }) => chosen + rejected)).size).toBe(6);
    expect(all).toHaveLength(6);
    expect(
      all.every(({ chosen, rejected }) => chosen.includes('+') && rejected.includes('-')),
    ).toBe(true);
  });

  it('may be more of one prompt than a call takes arguments', () => {
    const rows = rollouts('a', '+-'.repeat(360));
    const options = { seed: 1, maxPairsPerPrompt: Number.POSITIVE_INFINITY };
    expect(pairsFromRollouts(rows, options).stats.pairs).toBe(360 ** 2);
  });

  it('is the same for the same seed only', () => {
    const rows = rollouts('a', '++++++----');
    const chosen = (seed: number) => pairsFromRollouts(rows, { seed }).pairs[0]?.chosen;
    expect(chosen(1)).toBe(chosen(1));
    expect(new Set([1, 2, 3, 4, 5, 6, 7, 8].map(chosen)).size).toBeGreaterThan(1);
  });

  it('keeps to the margin, which is exclusive', () => {
    const rows = rollouts('a', '+-');
    expect(pairsFromRollouts(rows, { seed: 1, minMargin: 0.99 }).pairs).toHaveLength(1);
    const { pairs, stats } = pairsFromRollouts(rows, { seed: 1, minMargin: 1 });
    expect(pairs).toEqual([]);
    expect(stats.prompts_without_pair.small_margin).toBe(1);
    expect(stats.mean_margin).toBeNull();
  });

  it('counts a repeated completion once and leaves out what could not be graded', () => {
    const rows = rollouts('a', '+-');
    const broken = { ...rows[0]!, completion: 'x', reward: null };
    const options = { seed: 1, maxPairsPerPrompt: 9 };
    const { pairs, stats } = pairsFromRollouts([...rows, ...rows, broken], options);
    expect(pairs).toHaveLength(1);
    expect(stats).toMatchObject({ duplicates_dropped: 2, ungraded_dropped: 1 });
  });

  it('takes the mean of what a text got each time that it was sampled, in whatever order', () => {
    // A text and what its trajectories got: means .6 and .7, and of the third always 1.2.
    const sampled = { twice: [1.2, 0], thrice: [0.1, 1, 1], alike: [1.2, 1.2, 1.2] };
    const rows = Object.entries(sampled).flatMap(([completion, rewards]) =>
      rewards.map((reward) => ({ question: 'a', completion, reward, correct: true, own: -reward })),
    );
    for (const order of [rows, rows.toReversed()]) {
      const { pairs } = pairsFromRollouts(order, {
        seed: 1,
        scorePairs: { type: 'own', among: 'correct', score: ({ own }) => own },
      });
      expect(pairs).toMatchObject([{ chosen: 'twice', rejected: 'alike' }]);
      expect(pairs[0]?.chosen_reward).toBeCloseTo(0.6, 12);
      expect(pairs[0]?.rejected_reward).toBe(1.2);
    }
  });

  it('makes no pair of texts that got the same, however often they were sampled', () => {
    const of = (completion: string) => ({ question: 'a', completion, reward: 0.7, correct: true });
    const rows = [of('once'), of('thrice'), of('thrice'), of('thrice')];
    const [up, down] = [
      [0.1, 0.2, 0.3],
      [0.3, 0.2, 0.1],
    ].map((rewards, text) =>
      rewards.map((reward) => ({ ...of(`text ${text}`), question: 'b', reward })),
    );
    const scorePairs = { type: 'reward', among: 'all' } as const;
    const { pairs } = pairsFromRollouts([...rows, ...up!, ...down!], { seed: 1, scorePairs });
    expect(pairs).toEqual([]);
  });

  it('groups by prompt where rows have no question', () => {
    const rows = rollouts('a', '+-').map(({ question, ...row }) => ({
      ...row,
      prompt: `<${question}>`,
    }));
    const { pairs } = pairsFromRollouts(rows, { seed: 1 });
    expect(pairs[0]).toMatchObject({ prompt: '<a>', chosen: 'a0+' });
    expect(pairs[0]).not.toHaveProperty('question');
    const bare = [{ completion: 'x', reward: 1, correct: true }];
    expect(() => pairsFromRollouts(bare, { seed: 1 })).toThrow(/neither question nor prompt/);
  });

  it('refuses rows that do not say what is correct', () => {
    const rows = rollouts('a', '+-').map(({ correct: _, ...row }) => row);
    expect(() => pairsFromRollouts(rows, { seed: 1 })).toThrow(/no row says whether/);
    expect(pairsFromRollouts([], { seed: 1 }).stats.prompts).toBe(0);
  });
});

describe('pairs by score', () => {
  it('come after those of correctness, widest margin first', () => {
    const { pairs, stats } = pairsFromRollouts(rollouts('a', '+-0'), {
      seed: 1,
      maxPairsPerPrompt: 9,
      scorePairs: { type: 'reward', among: 'all' },
    });
    expect(pairs.slice(0, 2).map(({ pair_type }) => pair_type)).toEqual([
      'correctness',
      'correctness',
    ]);
    expect(pairs.slice(2)).toEqual([
      {
        question: 'a',
        chosen: 'a1-',
        rejected: 'a20',
        chosen_reward: 0.2,
        rejected_reward: 0,
        pair_type: 'reward',
      },
    ]);
    expect(stats.pairs_by_type).toEqual({ correctness: 2, reward: 1 });
  });

  it('can be among the correct rows by a score of their own', () => {
    const rows = rollouts('a', '++-').map((row, i) => ({
      ...row,
      coherence: [0.1, 0.9, 0.5][i] ?? 0,
    }));
    const { pairs } = pairsFromRollouts(rows, {
      seed: 1,
      maxPairsPerPrompt: 9,
      minMargin: 0.5,
      scorePairs: { type: 'coherence', among: 'correct', score: ({ coherence }) => coherence },
    });
    expect(pairs.filter(({ pair_type }) => pair_type === 'coherence')).toMatchObject([
      { chosen: 'a1+', rejected: 'a0+' },
    ]);
  });

  it('need no correctness', () => {
    const rows = rollouts('a', '+-').map(({ correct: _, ...row }) => row);
    const scorePairs = { type: 'reward', among: 'all' } as const;
    expect(pairsFromRollouts(rows, { seed: 1, scorePairs }).pairs).toHaveLength(1);
  });

  it('can stand alone, have a cap of their own, and be drawn to so many of a type', () => {
    const rows = ['a', 'b', 'c'].flatMap((question) =>
      rollouts(question, '++-').map((row, i) => ({ ...row, coherence: [0.1, 0.9, 0.5][i] ?? 0 })),
    );
    const alone = { type: 'reward', among: 'all' } as const;
    const plain = pairsFromRollouts(rows, { seed: 1, byCorrectness: false, scorePairs: alone });
    expect(plain.stats.pairs_by_type).toEqual({ reward: 3 });
    const both = {
      seed: 1,
      minMargin: 0.9,
      scorePairs: {
        type: 'coherence',
        among: 'correct',
        score: (row: (typeof rows)[number]) => row.coherence,
        minMargin: 0.7,
        maxPerPrompt: 1,
      },
    } as const;
    const { pairs, stats } = pairsFromRollouts(rows, both);
    expect(pairs.map(({ pair_type }) => pair_type)).toEqual(
      Array(3).fill(['correctness', 'coherence']).flat(),
    );
    expect(stats.pairs_over_cap).toBe(0);
    const capped = pairsFromRollouts(rows, { ...both, maxPairsPerType: 2 });
    expect(capped.stats).toMatchObject({
      pairs: 4,
      pairs_by_type: { correctness: 2, coherence: 2 },
      pairs_over_cap: 2,
    });
    const order = new Map(pairs.map((pair, i) => [JSON.stringify(pair), i]));
    const places = capped.pairs.map((pair) => order.get(JSON.stringify(pair))!);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });
});
