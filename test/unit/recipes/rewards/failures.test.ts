import { expect, it } from 'vitest';
import { gradedGuard, RewardFailures } from '../../../../src/recipes/rewards/failures.js';
import type { Grade } from '../../../../src/rewards/index.js';
import type { RewardPart } from '../../../../src/rewards/registry.js';
import { GuardError } from '../../../../src/util/errors.js';

const boom: RewardPart = { score: null, status: 'error', reason: 'boom' };
const fine: RewardPart = { score: 1, status: 'ok' };
const gradeOf = (parts: Record<string, RewardPart>): Grade => ({ total: null, parts });

it('says the first failure of each reward, and counts all at the end', async () => {
  const lines: string[] = [];
  const failures = new RewardFailures((line) => lines.push(line));
  const given = [{ x: boom, y: fine }, { x: { ...boom, reason: 'later' }, y: fine }, { x: fine }];
  for (const parts of given) {
    const graded = gradeOf(parts as Record<string, RewardPart>);
    expect(await failures.watch(async () => graded)('text', {})).toBe(graded);
  }
  expect(lines).toEqual(['warning: reward x failed (error): boom']);
  failures.sayTotals();
  expect(lines.slice(1)).toEqual(['warning: reward x failed in 2 of 3 grades']);
});

it('knows a reward that failed on every completion; one that does not apply has not failed', () => {
  const skipped: RewardPart = { score: null, status: 'skipped' };
  const grades = [
    gradeOf({ x: boom, y: boom, z: skipped }),
    gradeOf({ x: boom, y: fine, z: skipped }),
  ];
  expect(() => gradedGuard(() => {})(grades)).toThrow(GuardError);
  expect(() => gradedGuard(() => {})(grades)).toThrow('no completion could be graded: x (boom).');
  expect(() => gradedGuard(() => {})([gradeOf({ z: skipped })])).not.toThrow();
  expect(() => gradedGuard(() => {})([])).not.toThrow();
});

it('lets a reward fail that has graded before', () => {
  const check = gradedGuard(() => {});
  check([{ total: 1, parts: { x: fine } }, gradeOf({ x: boom })]);
  expect(() => check([gradeOf({ x: boom })])).not.toThrow();
});

it('says of the first completions which rewards give no score for want of what they compare with', () => {
  const lines: string[] = [];
  const check = gradedGuard((line) => void lines.push(line));
  const none: RewardPart = { score: null, status: 'ok' };
  const grades = [gradeOf({ x: none, y: fine, z: boom }), gradeOf({ x: none, y: none, z: boom })];
  expect(() => check(grades)).toThrow('z (boom)');
  expect(lines).toEqual([
    'warning: reward x gives none of the first 2 completions a score. Have the rows the answer that it compares with?',
  ]);
  check([gradeOf({ y: none })]);
  expect(lines).toHaveLength(1);
});
