/** Votes and maj@k by hand. */
import { describe, expect, it } from 'vitest';
import { majorityAtK, vote } from '../../../src/evaluate/majority.js';

const ballots = (...answers: readonly (string | null)[]) =>
  answers.map((answer) => ({ answer, weight: 1 }));

describe('vote', () => {
  it('counts equal answers as one, however they are written', () => {
    expect(vote(ballots('3', '\\frac12', '0.5', null))).toEqual({ winner: 1, weight: 2, total: 4 });
    expect(vote(ballots('2\\sqrt3', '5', '\\sqrt{12}')).winner).toBe(0);
  });

  it('holds units apart, and joins a number without one', () => {
    expect(vote(ballots('5 cm', '5 km', '5 km')).winner).toBe(1);
    expect(vote(ballots('5 cm', '5'))).toMatchObject({ winner: 0, weight: 2 });
    expect(vote(ballots('5', '5 cm', '5 km', '5 km', '5 km'))).toMatchObject({
      winner: 2,
      weight: 3,
    });
  });

  it('takes the first of equals, and none without answers', () => {
    expect(vote(ballots('7', '8')).winner).toBe(0);
    expect(vote(ballots(null, '8', '7', '7', '8')).winner).toBe(1);
    expect(vote(ballots(null, null)).winner).toBeNull();
    expect(vote([]).winner).toBeNull();
  });

  it('adds weights', () => {
    const weighted = [
      { answer: '1', weight: 0.4 },
      { answer: '2', weight: 0.7 },
      { answer: '1', weight: 0.4 },
    ];
    expect(vote(weighted)).toMatchObject({ winner: 0, weight: 0.8, total: 1.5 });
  });
});

describe('majorityAtK', () => {
  const sample = (answer: string, correct: boolean) => ({ answer, correct });
  const samples = [
    sample('4', true),
    sample('5', false),
    sample('4', true),
    sample('6', false),
    sample('6', false),
    sample('4', true),
  ];

  it('is the share of blocks of k samples whose majority is right', () => {
    expect(majorityAtK(samples, 1)).toBe(0.5);
    expect(majorityAtK(samples, 3)).toBe(0.5);
    expect(majorityAtK(samples, 6)).toBe(1);
    expect(majorityAtK(samples, 7)).toBeNull();
  });
});
