/** Freed memory of the C library goes back to the system. */
import koffi from 'koffi';
import { expect, it } from 'vitest';
import { returnFreedMemory } from '../../../../src/rollout/ort/freed-memory.js';

const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
const isGlibc = report.header?.glibcVersionRuntime !== undefined;

/** Below the 128 KiB from which on glibc asks the system for each block, and gives it back. */
const BLOCK = 64 * 1024;
const BLOCKS = 2000;
const MIB = 2 ** 20;
const TOTAL = (BLOCK * BLOCKS) / MIB;

it.runIf(isGlibc)('which glibc keeps below a block that is in use', () => {
  const library = koffi.load('libc.so.6');
  const malloc = library.func('void *malloc(size_t)');
  const free = library.func('void free(void *)');
  const memset = library.func('void *memset(void *, int, size_t)');
  const residentMib = () => process.memoryUsage.rss() / MIB;
  const before = residentMib();
  const blocks = Array.from({ length: BLOCKS }, () => memset(malloc(BLOCK), 1, BLOCK));
  const last = blocks.pop();
  for (const block of blocks) free(block);
  const kept = residentMib() - before;
  returnFreedMemory();
  const left = residentMib() - before;
  free(last);
  expect(kept).toBeGreaterThan(0.8 * TOTAL);
  expect(left).toBeLessThan(0.2 * TOTAL);
});
