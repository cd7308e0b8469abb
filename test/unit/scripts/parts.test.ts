/** The parts of gpu-check: what ends, what is left out, what fails. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Parts } from '../../../scripts/gpu-check/parts.js';
import { temporaryFolder } from '../../support/temporary.js';

const node = (program: string) => [process.execPath, '-e', program];
const parts = (keys: { total?: number } = {}) => {
  const onPart = vi.fn();
  const made = new Parts({ card: null, limit: 60, total: 60, onPart, ...keys });
  return { made, onPart };
};

it('the last line of output is the result, which must have its fields', async () => {
  const { made, onPart } = parts();
  const print = node("console.log('first'); console.log('{\"a\":1}')");
  expect(await made.run('good', print, { fields: ['a'] })).toMatchObject({
    ok: true,
    result: { a: 1 },
  });
  const lacking = await made.run('lacking', print, { fields: ['a', 'b'] });
  expect(lacking).toMatchObject({ ok: false, error: 'its result has no b' });
  const failed = await made.run('failed', node("console.error('error: no'); process.exit(2)"));
  expect(failed).toMatchObject({ ok: false, error: 'error: no' });
  const thrown = await made.run('thrown', node("throw new TypeError('bad')"));
  expect(thrown).toMatchObject({ ok: false, error: 'TypeError: bad' });
  const none = await made.run('none', ['/no/such/program']);
  expect(none.error).toContain('ENOENT');
  expect(onPart).toHaveBeenCalledTimes(5);
  expect(made.ok).toBe(false);
});

it('a part that hangs is ended at its limit, with what it has started', async () => {
  const { made } = parts();
  const sleeper = `setInterval(() => undefined, 1000)`;
  const program = `
    process.on('SIGTERM', () => undefined);
    require('node:child_process').spawn(process.execPath, ['-e', '${sleeper}'], { stdio: 'inherit' });
    ${sleeper}`;
  const part = await made.run('hangs', node(program), { limit: 1 });
  expect(part).toMatchObject({ ok: false, error: expect.stringContaining('ended after 1 s') });
});

it('what would begin after the time of all is left out', async () => {
  const { made } = parts({ total: 1e-9 });
  const file = join(temporaryFolder(), 'made');
  await made.group('group', async () => writeFileSync(file, ''));
  await made.run('run', node(''));
  const error = 'left out: the time of all parts is up';
  expect(made.all).toMatchObject([
    { name: 'group', ok: false, error },
    { name: 'run', ok: false, error },
  ]);
  expect(existsSync(file)).toBe(false);
});

it('a comparison or a group that throws fails, and the next goes on', async () => {
  const { made } = parts();
  made.check('missing', () => {
    throw new Error('no file');
  });
  await made.group('group', async () => {
    throw new Error('no disk');
  });
  made.check('fine', () => ({ ok: true, result: { gap: 0 } }));
  expect(made.all.map(({ ok, error }) => [ok, error])).toEqual([
    [false, 'no file'],
    [false, 'no disk'],
    [true, null],
  ]);
});
