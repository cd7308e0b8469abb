import { expect, test } from 'vitest';
import { cacheRoot } from '../../../src/util/cache.js';

test('the cache folder is the one named, else the XDG one, else in the home folder', () => {
  const both = { LORIKEET_CACHE: '/a', XDG_CACHE_HOME: '/b' };
  expect(cacheRoot(both)).toBe('/a');
  expect(cacheRoot({ XDG_CACHE_HOME: '/b' })).toBe('/b/lorikeet');
  expect(cacheRoot({})).toMatch(/\/\.cache\/lorikeet$/);
});
