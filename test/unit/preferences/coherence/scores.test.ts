/** The four scores and the reward, by hand; stated values; perturbed questions. */
import { describe, expect, it } from 'vitest';
import {
  coherenceReward,
  coherenceScores,
  perturb,
  statedValues,
  unitReward,
} from '../../../../src/preferences/index.js';
import { Rng } from '../../../../src/util/rng.js';

const trajectory = (answer: string | null, values: string, perturbed: (string | null)[] = []) => ({
  answer,
  values: new Set(values === '' ? [] : values.split(' ')),
  perturbed,
});

describe('coherenceScores', () => {
  const weights = { end: 0.4, path: 0.3, cf: 0.3 };

  it('is what the formulas give', () => {
    const group = [
      trajectory('85', '15 8 85', ['85', '75']),
      trajectory('85', '15 85', ['85', '85']),
      trajectory('75', '75', [null, '75']),
    ];
    const [first, second, third] = coherenceScores(group, weights);
    // Dice: 1-2 2·2/5 = .8, 1-3 0, 2-3 0.
    expect(first).toMatchObject({ s_end: 0.5, s_path: 0.4, s_cf: 0.5 });
    expect(first?.s_wm).toBeCloseTo(0.4 * 0.5 + 0.3 * 0.4 + 0.3 * 0.5, 12);
    expect(second).toMatchObject({ s_end: 0.5, s_path: 0.4, s_cf: 1 });
    expect(third).toMatchObject({ s_end: 0, s_path: 0, s_cf: 0.5 });
  });

  it('gives no credit for no answer and no working, and leaves s_cf out where nothing was perturbed', () => {
    const [empty, full] = coherenceScores(
      [trajectory(null, ''), trajectory('3', '3'), trajectory('3', '3'), trajectory(null, '')],
      weights,
    );
    expect(empty).toEqual({ s_end: 0, s_path: 0, s_cf: null, s_wm: 0 });
    // (.4 · 1/3 + .3 · 1/3) / .7 = 1/3
    expect(full?.s_wm).toBeCloseTo(1 / 3, 12);
  });

  it('is 1 where all agree', () => {
    const same = trajectory('3', '1 2', ['3']);
    for (const score of coherenceScores([same, same], weights)) {
      expect(Object.values(score)).toEqual([1, 1, 1, 1]);
    }
  });
});

describe('statedValues', () => {
  it('are the numbers of the working that the question does not give', () => {
    const values = statedValues('37+48: 7+8=15, 3+4+1=8, 85', 'Tom has 37 and buys 48 more.');
    expect([...values].sort()).toEqual(['1', '15', '3', '4', '7', '8', '85']);
    expect([...statedValues('$1,200.50 is 1200.5, and 12-8=4', '12 and 8')]).toEqual([
      '1200.5',
      '4',
    ]);
  });
});

describe('the reward', () => {
  it('is alpha · correct + beta · s_wm − penalty · length, and its unit form spans [0, 1]', () => {
    const weights = { alpha: 1, beta: 0.5, lengthPenalty: 0.1 };
    const reward = coherenceReward({ correct: true, s_wm: 0.8, length: 0.25 }, weights);
    expect(reward).toBeCloseTo(1.375, 12);
    expect(unitReward(reward, weights)).toBeCloseTo(1.475 / 1.6, 12);
    expect(unitReward(-0.1, weights)).toBe(0);
    expect(unitReward(1.5, weights)).toBe(1);
    expect(unitReward(0, { alpha: 0, beta: 0, lengthPenalty: 0 })).toBe(0);
  });
});

describe('perturb', () => {
  const question = 'Tom has 37 apples. Ann has 5. How many more apples does Tom have?';
  const names = ['Tom', 'Ann', 'Ben', 'Mia'];
  const rng = () => Rng.of(1);

  it('rename changes every known name, alike everywhere, and nothing else', () => {
    const other = perturb(question, { kind: 'rename', names, rng: rng() })!;
    const [, first, second] = /^(\w+) has 37 apples\. (\w+) has 5\./.exec(other)!;
    expect(new Set([first, second])).toEqual(new Set(['Ben', 'Mia']));
    expect(other.replaceAll(first!, 'Tom').replaceAll(second!, 'Ann')).toBe(question);
  });

  it('rename has nothing to do without known names, or without others to put in', () => {
    expect(perturb('A shop sells 3 pens.', { kind: 'rename', names, rng: rng() })).toBeNull();
    const few = { kind: 'rename', names: ['Tom', 'Ann'], rng: rng() } as const;
    expect(perturb(question, few)).toBeNull();
  });

  it('distractor puts one sentence without numbers before the last', () => {
    const other = perturb(question, { kind: 'distractor', names, rng: rng() })!;
    const [added] = /(?<=Ann has 5\. ).+(?= How many)/.exec(other)!;
    expect(added).toMatch(/^[A-Z][a-z ]+\.$/);
    expect(other.replace(`${added} `, '')).toBe(question);
    const single = perturb('What is 2+2?', { kind: 'distractor', names, rng: rng() });
    expect(single).toMatch(/^[A-Z][a-z ]+\. What is 2\+2\?$/);
  });
});
