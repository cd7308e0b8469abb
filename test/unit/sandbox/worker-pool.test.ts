/** Calls in real worker threads. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createWorkerPool } from '../../../src/sandbox/index.js';
import { temporaryFolder } from '../../support/temporary.js';

const module = new URL('./worker-functions-child.ts', import.meta.url);
const pool = createWorkerPool({ module, workers: 2, memoryMiB: 64 });
const call = (name: string, args: readonly unknown[] = [], timeoutMs = 5000) =>
  pool.call({ name, args, timeoutMs });

afterAll(() => pool.dispose());

test('functions are called by name, with promises awaited', async () => {
  expect(await call('add', [{ a: 1, b: 2 }])).toMatchObject({
    status: 'ok',
    value: 3,
    error: null,
  });
  expect(await call('later', ['x'])).toMatchObject({ status: 'ok', value: 'x' });
});

test('what a function throws is its result', async () => {
  expect(await call('fail')).toMatchObject({ status: 'error', error: 'RangeError: too far' });
  expect(await call('nothing')).toMatchObject({
    status: 'error',
    error: 'TypeError: no function "nothing" is exported',
  });
  expect((await call('uncloneable')).error).toMatch(/^DataCloneError/);
  const unsent = await call('add', [{ a: () => 1, b: 1 }]);
  expect(unsent).toMatchObject({ status: 'error', error: expect.stringContaining('be cloned') });
});

test.each([
  ['loop', [], 'timeout'],
  ['backtrack', [60], 'timeout'],
  ['fill', [], 'memory'],
  ['leave', [], 'error'],
] as const)('%s is ended and the pool goes on', async (name, args, status) => {
  const start = performance.now();
  expect((await call(name, args, name === 'fill' ? 20_000 : 200)).status).toBe(status);
  if (status === 'timeout') expect(performance.now() - start).toBeLessThan(5000);
  expect((await call('add', [{ a: 2, b: 2 }])).value).toBe(4);
});

test('more calls than workers wait, also beside ones that are killed', async () => {
  const sums = Array.from({ length: 20 }, (_, i) => call('add', [{ a: i, b: 1 }]));
  const stuck = call('loop', [], 100);
  const results = await Promise.all(sums);
  expect(results.map(({ value }) => value)).toEqual(sums.map((_, i) => i + 1));
  expect((await stuck).status).toBe('timeout');
});

test('a module that cannot be loaded is named', async () => {
  const file = join(temporaryFolder(), 'bad.mjs');
  writeFileSync(file, 'throw new Error("no");');
  const bad = createWorkerPool({ module: file });
  await expect(bad.call({ name: 'f', args: [], timeoutMs: 100 })).rejects.toThrow(
    `${file}: cannot be loaded: Error: no`,
  );
  await bad.dispose();
});

test('disposing ends what runs and waits', async () => {
  const other = createWorkerPool({ module, workers: 1 });
  const calls = [1, 2].map(() => other.call({ name: 'loop', args: [], timeoutMs: 60_000 }));
  const settled = Promise.allSettled(calls);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await other.dispose();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
