/** The compiled operators for tests: those of set-up, compiled before the tests where they are not there yet. */
import { beforeAll } from 'vitest';
import type { KernelOptions } from '../../src/rollout/index.js';
import { operatorsLibrary, setUpOperators } from '../../src/setup/index.js';
import { cacheRoot } from '../../src/util/cache.js';

/** @returns What a sampler is told of them, by the precision that they compute in */
export function testOperators(): (precision: KernelOptions['precision']) => KernelOptions {
  const root = cacheRoot();
  beforeAll(() => setUpOperators({ root, observer: { log: () => undefined } }), 120_000);
  return (precision) => ({ library: operatorsLibrary(root), precision });
}
