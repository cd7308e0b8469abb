/** The compiled operators for tests: those of set-up, compiled now where they are not there yet. */
import { operatorsLibrary, setUpOperators } from '../../../src/setup/index.js';
import { cacheRoot } from '../../../src/util/cache.js';

export async function testOperators(): Promise<string> {
  await setUpOperators({ root: cacheRoot(), observer: { log: () => undefined } });
  return operatorsLibrary(cacheRoot());
}
