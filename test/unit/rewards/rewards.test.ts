/** Format and correctness rewards, their sum, and the gold self-check. */
import { describe, expect, it } from 'vitest';
import {
  checkGold,
  makeRewards,
  parseResponse,
  type RewardOptions,
  referenceCompletion,
} from '../../../src/rewards/index.js';
import { InputError } from '../../../src/util/errors.js';
import { readJsonl } from '../../../src/util/files.js';
import { dataPath, hasData, NEEDS_DATA } from '../../support/real-data.js';

const GOOD = '<start_working_out>2+2=4<end_working_out><SOLUTION>4</SOLUTION>';
const ROW = { question: '2+2?', answer: '2+2=4\n#### 4' };

function score(
  name: string,
  text: string,
  options: Partial<RewardOptions> = {},
  row: object = ROW,
) {
  return makeRewards([{ name, weight: 1 }], options)(text, row as typeof ROW).parts[name]?.score;
}

describe('parseResponse', () => {
  it('reads both sections', () => {
    expect(parseResponse(GOOD)).toEqual({ reasoning: '2+2=4', solution: '4', inOrder: true });
  });

  it('reads no solution where the tag stands twice, or nothing is in it', () => {
    expect(parseResponse('<SOLUTION>1</SOLUTION><SOLUTION>2</SOLUTION>').solution).toBeNull();
    expect(parseResponse('<SOLUTION>1<SOLUTION>2</SOLUTION>').solution).toBeNull();
    expect(parseResponse('<SOLUTION> </SOLUTION>').solution).toBeNull();
    expect(parseResponse('</SOLUTION>1<SOLUTION>').solution).toBeNull();
  });
});

describe('format reward', () => {
  const swapped = '<SOLUTION>4</SOLUTION><start_working_out>2+2=4<end_working_out>';
  it.each([
    ['the whole format', GOOD, 1],
    ['text around it', `Sure! ${GOOD} Done.`, 1],
    ['no tags', '4', 0],
    ['an answer only', '<SOLUTION>4</SOLUTION>', 0],
    ['a missing end', GOOD.replace('</SOLUTION>', ''), 0],
    ['the wrong order', swapped, 0],
    ['a tag twice', `${GOOD}<SOLUTION>`, 0],
    ['everything twice', GOOD + GOOD, 0],
    ['empty sections', '<start_working_out><end_working_out><SOLUTION>4</SOLUTION>', 0],
  ])('%s', (_, text, expected) => {
    expect(score('format', text)).toBe(expected);
  });

  it('takes other tags', () => {
    const tags = {
      reasoningStart: '<think>',
      reasoningEnd: '</think>',
      solutionStart: '[[',
      solutionEnd: ']]',
    };
    expect(score('format', '<think>2+2</think>[[4]]', { tags })).toBe(1);
    expect(score('format', GOOD, { tags })).toBe(0);
  });

  it('refuses tags that cannot be told apart', () => {
    const tags = { reasoningStart: 'a', reasoningEnd: 'ab', solutionStart: 'c', solutionEnd: 'd' };
    expect(() => score('format', '', { tags })).toThrow(/"a" is empty or part of another tag/);
  });
});

describe('correctness reward', () => {
  const answer = (text: string) => `<SOLUTION>${text}</SOLUTION>`;
  it.each([
    ['1200', 1],
    ['$1,200.00', 1],
    ['1200 dollars', 1],
    ['1201', 0],
    ['-1200', 0],
    ['1200 or 1300', 0],
    ['', 0],
  ])('scores %j against 1,200 as %d', (text, expected) => {
    expect(score('correctness', answer(text), {}, { answer: '... #### 1,200' })).toBe(expected);
  });

  it('gives nothing to an answer outside the tags or in repeated tags', () => {
    expect(score('correctness', 'The answer is 4')).toBe(0);
    expect(score('correctness', answer('4') + answer('5'))).toBe(0);
  });

  it('takes a bare gold answer, also as a number', () => {
    expect(score('correctness', answer('4'), {}, { answer: '4' })).toBe(1);
    expect(score('correctness', answer('4'), {}, { answer: 4 })).toBe(1);
  });

  it('does not apply to a row without a gold number', () => {
    const grade = makeRewards([{ name: 'correctness', weight: 1 }]);
    for (const row of [{}, { answer: 'yes' }, { answer: null }]) {
      expect(grade(GOOD, row)).toEqual({
        total: null,
        parts: { correctness: { score: null, status: 'skipped' } },
      });
    }
  });
});

describe('makeRewards', () => {
  const both = [
    { name: 'format', weight: 0.2 },
    { name: 'correctness', weight: 1 },
  ];

  it('sums weighted parts and shows each', () => {
    expect(makeRewards(both)(GOOD, ROW)).toEqual({
      total: 1.2,
      parts: { format: { score: 1, status: 'ok' }, correctness: { score: 1, status: 'ok' } },
    });
    expect(makeRewards(both)(GOOD.replace('>4<', '>5<'), ROW).total).toBe(0.2);
  });

  it('leaves out a part that does not apply', () => {
    expect(makeRewards(both)(GOOD, {}).total).toBe(0.2);
  });

  it('drops a sample when a weighted part fails', () => {
    const broken = {
      get answer(): string {
        throw new Error('unreadable');
      },
    };
    const grade = makeRewards(both)(GOOD, broken);
    expect(grade.total).toBeNull();
    expect(grade.parts.correctness).toMatchObject({ score: null, status: 'error' });
    const recorded = makeRewards([
      { name: 'format', weight: 1 },
      { name: 'correctness', weight: 0 },
    ]);
    expect(recorded(GOOD, broken).total).toBe(1);
  });

  it.each([
    [[], /rewards: the list is empty/],
    [[{ name: 'formt', weight: 1 }], /no reward is called "formt". Known are format, correctness/],
    [[{ name: 'toString', weight: 1 }], /no reward is called "toString"/],
    [[both[0]!, both[0]!], /"format" is listed twice/],
    [[{ name: 'format', weight: Number.NaN }], /rewards.format.weight: NaN is not a number/],
  ])('refuses %j', (specs, message) => {
    expect(() => makeRewards(specs)).toThrow(InputError);
    expect(() => makeRewards(specs)).toThrow(message);
  });

  it('is total and quick on hostile completions', () => {
    const grade = makeRewards(both);
    const hostile = [
      '',
      '\0',
      '\ud800',
      '<SOLUTION>'.repeat(100_000),
      `<SOLUTION>${'9'.repeat(1_000_000)}</SOLUTION>`,
      `<SOLUTION>${'1,'.repeat(500_000)}</SOLUTION>`,
      `<SOLUTION>${'-'.repeat(250)}</SOLUTION>`,
      `<SOLUTION>${'1 '.repeat(120)}</SOLUTION>`,
      `<SOLUTION>${'{'.repeat(100_000)}4${'}'.repeat(100_000)}</SOLUTION>`,
    ];
    const start = performance.now();
    for (const text of hostile) {
      const { total, parts } = grade(text, ROW);
      expect(total).toBe(0);
      expect(Object.values(parts).every(({ status }) => status === 'ok')).toBe(true);
    }
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('gold self-check', () => {
  const full = makeRewards([
    { name: 'format', weight: 0.2 },
    { name: 'correctness', weight: 1 },
  ]);
  const check = (rows: readonly Record<string, unknown>[]) =>
    checkGold(rows, { grade: full, fullScore: 1.2, render: referenceCompletion });

  it('names the rows whose reference fails', () => {
    expect(check([ROW, { answer: 'about ten #### ten' }, { answer: '7' }])).toEqual({
      checked: 3,
      failures: [
        { index: 1, total: 0.2 },
        { index: 2, total: null },
      ],
    });
  });

  it.skipIf(!hasData())(`every GSM8K reference scores full ${NEEDS_DATA}`, () => {
    for (const [file, count] of [
      ['gsm8k/train.jsonl.gz', 7473],
      ['gsm8k/test.jsonl', 1019],
    ] as const) {
      const rows = readJsonl(dataPath(file));
      expect(check(rows)).toEqual({ checked: count, failures: [] });
    }
  });
});
