import { userInfo } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { cacheRoot } from '../../../src/util/cache.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('the cache folder is the one named, else the XDG one, else in the home folder', () => {
  const both = { LORIKEET_CACHE: '/a', XDG_CACHE_HOME: '/b' };
  expect(cacheRoot(both)).toBe('/a');
  expect(cacheRoot({ XDG_CACHE_HOME: '/b' })).toBe('/b/lorikeet');
  vi.stubEnv('HOME', '/c');
  expect(cacheRoot({})).toBe('/c/.cache/lorikeet');
});

test('an empty HOME is none', () => {
  vi.stubEnv('HOME', '');
  expect(cacheRoot({})).toBe(`${userInfo().homedir}/.cache/lorikeet`);
});
