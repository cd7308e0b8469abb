/** The arithmetic generator: worked solutions by hand, disjoint splits, shares, reproducibility. */
import { describe, expect, it } from 'vitest';
import { makeArithmetic } from '../../../src/data/arithmetic.js';
import { levelOf } from '../../../src/data/arithmetic-problems.js';
import { writeWorking } from '../../../src/data/arithmetic-working.js';

describe('writeWorking', () => {
  const cases = [
    ['add', 37, 48, '37+48: 7+8=15, 3+4+1=8, 85', '37+48=85'],
    ['add', 57, 68, '57+68: 7+8=15, 5+6+1=12, 125', '57+68=125'],
    ['add', 11, 2, '11+2: 1+2=3, 1+0=1, 13', '11+2=13'],
    ['add', 4, 9, '4+9: 4+9=13, 13', '4+9=13'],
    ['add', 257, 168, '257+168: 7+8=15, 5+6+1=12, 2+1+1=4, 425', '257+168=425'],
    ['subtract', 52, 38, '52-38: 12-8=4, 5-1-3=1, 14', '52-38=14'],
    ['subtract', 52, 48, '52-48: 12-8=4, 5-1-4=0, 4', '52-48=4'],
    ['subtract', 97, 23, '97-23: 7-3=4, 9-2=7, 74', '97-23=74'],
    ['subtract', 302, 57, '302-57: 12-7=5, 10-1-5=4, 3-1-0=2, 245', '302-57=245'],
  ] as const;
  it.each(cases)('%s %i %i', (operation, a, b, careful, quick) => {
    expect(writeWorking({ operation, a, b }, 'careful')).toBe(careful);
    expect(writeWorking({ operation, a, b }, 'quick')).toBe(quick);
  });

  it('states only true equations, and column results that spell the answer', () => {
    for (const row of makeArithmetic({ seed: 9, train: 400, test: 0, carefulShare: 1 }).train) {
      const [working = '', result = ''] = row.answer.split('\n\n#### ');
      const expected = row.operation === 'add' ? row.a + row.b : row.a - row.b;
      expect(result).toBe(String(expected));
      const columns: string[] = [];
      for (const [, left = '', right = ''] of working.matchAll(/([\d+-]+)=(\d+)/g)) {
        const value = [...left.matchAll(/[+-]?\d+/g)].reduce(
          (sum, [term]) => sum + Number(term),
          0,
        );
        expect(value, working).toBe(Number(right));
        columns.unshift(right);
      }
      const lower = columns.slice(1).map((column) => column.slice(-1));
      expect(Number([columns[0], ...lower].join('')), working).toBe(expected);
    }
  });
});

describe('levels', () => {
  it.each([
    ['add', 9, 9, 'easy'],
    ['add', 10, 9, 'medium'],
    ['add', 19, 1, 'hard'],
    ['add', 60, 60, 'hard'],
    ['subtract', 57, 23, 'medium'],
    ['subtract', 50, 1, 'hard'],
  ] as const)('%s %i %i is %s', (operation, a, b, level) => {
    expect(levelOf({ operation, a, b })).toBe(level);
  });
});

describe('makeArithmetic', () => {
  it.each([0, 1, 2, 3, 12345, -7])('seed %i: disjoint by sum, no question twice', (seed) => {
    const splits = makeArithmetic({ seed, train: 3000, valid: 200, test: 500 });
    const keys = new Map<string, string>();
    for (const [split, rows] of Object.entries(splits)) {
      expect(new Set(rows.map((row: { question: string }) => row.question)).size).toBe(rows.length);
      for (const row of rows) {
        const { a, b, operation } = row;
        const sum = [operation, ...(operation === 'add' ? [a, b].sort() : [a, b])].join(' ');
        expect(keys.get(sum) ?? split).toBe(split);
        keys.set(sum, split);
      }
    }
    expect([splits.train.length, splits.valid.length, splits.test.length]).toEqual([
      3000, 200, 500,
    ]);
  });

  it('gives the same rows for the same seed and others for another', () => {
    const make = (seed: number) => makeArithmetic({ seed, train: 50, test: 20 });
    expect(make(4)).toEqual(make(4));
    expect(make(4).train).not.toEqual(make(5).train);
  });

  it('keeps a split when the sizes of the others change', () => {
    const small = makeArithmetic({ seed: 1, train: 10, test: 30 });
    const large = makeArithmetic({ seed: 1, train: 100, valid: 10, test: 40 });
    expect(large.test.slice(0, 30)).toEqual(small.test);
    expect(large.train.slice(0, 10)).toEqual(small.train);
  });

  it('meets the shares, with the style independent of level and operation', () => {
    const { train } = makeArithmetic({ seed: 1, train: 8000, test: 0, names: 8 });
    const share = (rows: typeof train, pass: (row: (typeof train)[number]) => boolean) =>
      rows.filter(pass).length / rows.length;
    expect(share(train, (row) => row.style === 'careful')).toBeCloseTo(0.2, 1);
    expect(share(train, (row) => row.operation === 'subtract')).toBeCloseTo(0.5, 1);
    for (const level of ['easy', 'hard'] as const) {
      const rows = train.filter((row) => row.level === level);
      expect(Math.abs(share(rows, (row) => row.style === 'careful') - 0.2)).toBeLessThan(0.04);
    }
  });

  it('stays within the operand range, and without a share without the level', () => {
    const { train } = makeArithmetic({ seed: 1, train: 200, test: 0, maxOperand: 9 });
    expect(Math.max(...train.flatMap(({ a, b }) => [a, b]))).toBe(9);
    expect(new Set(train.map((row) => row.level))).toEqual(new Set(['easy']));
    const levelShares = { easy: 0, medium: 1, hard: 1 };
    const larger = makeArithmetic({ seed: 1, train: 300, test: 0, levelShares });
    expect(new Set(larger.train.map((row) => row.level))).toEqual(new Set(['medium', 'hard']));
  });

  it('refuses what it cannot make', () => {
    expect(() => makeArithmetic({ seed: 1, train: 9000, test: 0, maxOperand: 9 })).toThrow(
      /only about \d+ different questions can be made for train=9000/,
    );
    expect(() => makeArithmetic({ seed: 1, train: 1, test: 1, carefulShare: 1.5 })).toThrow(
      'arithmetic carefulShare: 1.5 is not a number from 0 to 1',
    );
    expect(() => makeArithmetic({ seed: 0.5, train: 1, test: 1 })).toThrow(/arithmetic seed: 0.5/);
    const levelShares = { easy: 0, medium: 0, hard: 0 };
    expect(() => makeArithmetic({ seed: 1, train: 1, test: 1, levelShares })).toThrow(
      /no \w+ problem is left at the levels asked for/,
    );
  });
});
