import { expect, test } from 'vitest';
import { InputError } from '../../../src/util/errors.js';
import { inThread } from '../../../src/util/in-thread.js';

const call = (name: string, args: readonly unknown[]) =>
  inThread({ module: new URL('../../../src/util/files.ts', import.meta.url), name, args });

test('gives what the function gives', async () => {
  expect(await call('toJsonl', [[{ a: 1 }, { b: 2 }]])).toBe('{"a":1}\n{"b":2}\n');
});

test('throws what the function throws', async () => {
  const { name } = InputError;
  await expect(call('readJson', ['/nowhere/a.json'])).rejects.toMatchObject({
    name,
    message: '/nowhere/a.json: no such file',
  });
});
