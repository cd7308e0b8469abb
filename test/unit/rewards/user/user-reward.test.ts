import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeAsyncRewards, openUserReward } from '../../../../src/rewards/index.js';
import type { UserReward } from '../../../../src/rewards/user/user-reward.js';
import { temporaryFolder } from '../../../support/temporary.js';

const FILE = 'test/fixtures/rewards/user/length.mjs';
const opened: UserReward[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function open(name: string, { file = FILE, timeoutMs = 5000 } = {}): Promise<UserReward> {
  const user = await openUserReward({ name, file, timeoutMs });
  opened.push(user);
  return user;
}

describe("a reward from a user's file", () => {
  it('scores, at once or later, and sees the row and the token ids', async () => {
    const { reward } = await open('length_reward');
    expect(await reward('abc', { longest: 6 })).toEqual({ score: 0.5, status: 'ok' });
    expect(await (await open('later')).reward('yes', {})).toEqual({ score: 1, status: 'ok' });
    const info = await open('info_reward');
    expect(await info.reward('', {}, { ids: [1, 2] })).toEqual({ score: 2, status: 'ok' });
    expect(await info.reward('', {})).toEqual({ score: null, status: 'skipped' });
  });

  it.each([
    ['throws', 'no'],
    ['ends', 'the worker ended'],
    ['text', "it returned '1', no number or null"],
    ['nothing', 'it returned undefined, no number or null'],
    ['infinite', 'it returned Infinity, no finite number'],
  ])('%s is an error with its reason, and the next one goes on', async (name, reason) => {
    const { reward } = await open(name);
    expect(await reward('', {})).toEqual({ score: null, status: 'error', reason });
    expect(await reward('', {})).toEqual({ score: null, status: 'error', reason });
  });

  it('is ended at the time limit, and starts anew', async () => {
    const { reward } = await open('loops', { timeoutMs: 300 });
    const both = await Promise.all([reward('loop', {}), reward('x', {})]);
    expect(both).toEqual([
      { score: null, status: 'timeout', reason: 'no answer within 0.3 s' },
      { score: 1, status: 'ok' },
    ]);
  });

  it('starts anew at once where its thread failed between two grades', async () => {
    const { reward } = await open('fails_afterwards', { timeoutMs: 60_000 });
    expect(await reward('', {})).toEqual({ score: 1, status: 'ok' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await reward('', {})).toEqual({ score: 1, status: 'ok' });
  });

  it('has grades that wait under way together, and one that hangs ends alone', async () => {
    const { reward } = await open('meets', { timeoutMs: 1500 });
    const grades = ['hang', 'a', 'b'].map((text) => reward(text, {}));
    expect((await Promise.all(grades)).map(({ status }) => status)).toEqual([
      'timeout',
      'ok',
      'ok',
    ]);
    expect((await reward('alone', {})).status).toBe('ok');
  });

  it('blames the one of several grades that does not let the thread go', async () => {
    const { reward } = await open('spins', { timeoutMs: 1000 });
    const grades = ['a', 'spin', 'b'].map((text) => reward(text, {}));
    const statuses = (await Promise.all(grades)).map(({ status }) => status);
    expect(statuses).toEqual(['ok', 'timeout', 'ok']);
  });

  it('counts the time of each grade from its own beginning', async () => {
    const { reward } = await open('busy', { timeoutMs: 1500 });
    const grades = await Promise.all(Array.from({ length: 6 }, () => reward('400', {})));
    expect(grades.map(({ status }) => status)).toEqual(Array(6).fill('ok'));
  });

  it('names a row that cannot be sent to it', async () => {
    const { reward } = await open('length_reward');
    const { status, reason } = await reward('', { f: () => 1 });
    expect([status, reason]).toEqual(['error', expect.stringContaining('could not be cloned')]);
  });

  it('is refused when it cannot be loaded', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'bad.mjs');
    writeFileSync(file, 'export const a = 1;');
    await expect(open('mine', { file })).rejects.toThrow('exports no function "mine"');
    writeFileSync(join(folder, 'broken.mjs'), 'export const =');
    await expect(open('mine', { file: join(folder, 'broken.mjs') })).rejects.toThrow(
      'cannot be loaded',
    );
    await expect(open('mine', { file: join(folder, 'none.mjs') })).rejects.toThrow('no such file');
    writeFileSync(join(folder, 'r.py'), 'def reward(): pass');
    await expect(open('mine', { file: join(folder, 'r.py') })).rejects.toThrow('of type python');
  });

  it('is summed with the rewards of the registry', async () => {
    const user = await open('later');
    const specs = [
      { name: 'later', weight: 2 },
      { name: 'numeric', weight: 1 },
    ];
    const grade = makeAsyncRewards(specs, { later: user.reward });
    expect(await grade('yes', { answer: '3' })).toEqual({
      total: 2,
      parts: { later: { score: 1, status: 'ok' }, numeric: { score: 0, status: 'ok' } },
    });
  });
});
