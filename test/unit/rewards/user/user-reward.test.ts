import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  makeAsyncRewards,
  openUserReward,
  type UserReward,
} from '../../../../src/rewards/index.js';
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
