import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { probeBinding } from '../../../src/setup/probe.js';
import { locateRuntime } from '../../../src/tensor/runtime.js';
import { temporaryFolder } from '../../support/temporary.js';

const folder = temporaryFolder();
const runtime = locateRuntime('cpu');

test.skipIf(runtime === null)('a working binding computes, and is timed when asked', async () => {
  const binding = runtime?.binding ?? '';
  const seen = await probeBinding(binding);
  expect(seen).toEqual({ works: true, version: runtime?.version, gpu: false, gflops: null });
  const timed = await probeBinding(binding, { size: 64 });
  expect(timed.works && timed.gflops).toBeGreaterThan(0);
});

/** What a binding of plain JavaScript, which answers as given, comes to. */
function probeOf(code: string) {
  const path = join(folder, `${code.length}.cjs`);
  writeFileSync(path, code);
  return probeBinding(path);
}

const BINDING = (product: string) => `module.exports = {
  TF_Version: '2.9.1', isUsingGpuDevice: () => false,
  createTensor: () => 1, executeOp: () => [{ id: 2 }], tensorDataSync: () => ${product} };`;

test('a wrong product, a crash, an exception and a missing file are reasons', async () => {
  await expect(probeOf(BINDING('[321, 654]'))).resolves.toMatchObject({ works: true });
  await expect(probeOf(BINDING('[321, 0]'))).resolves.toEqual({
    works: false,
    reason: 'a product came out as 321,0, not 321,654',
  });
  await expect(probeOf('process.kill(process.pid, "SIGILL")')).resolves.toEqual({
    works: false,
    reason: 'it uses instructions this CPU lacks (SIGILL)',
  });
  await expect(probeOf('throw new Error("no GLIBC_2.99")')).resolves.toMatchObject({
    reason: 'exit code 1: Error: no GLIBC_2.99',
  });
  await expect(probeOf('console.log("hello"); process.exit(0)')).resolves.toMatchObject({
    reason: expect.stringContaining('it printed no result'),
  });
  await expect(probeBinding(join(folder, 'none.node'))).resolves.toMatchObject({ works: false });
});
