import { expect, test } from 'vitest';
import { flagsIn, processorFlags } from '../../../src/util/processor.js';

test('flags of Intel and of Arm processors; none without such a line', () => {
  expect(flagsIn('model name\t: x\nflags\t\t: fpu avx2  amx_bf16\nflags\t: other\n')).toEqual([
    ...['fpu', 'avx2', 'amx_bf16'],
  ]);
  expect(flagsIn('Features\t: fp asimd bf16\n')).toEqual(['fp', 'asimd', 'bf16']);
  expect(flagsIn('flags\t:\n')).toEqual([]);
  expect(flagsIn('')).toEqual([]);
});

test.skipIf(process.platform !== 'linux')('this machine has some', () => {
  expect(processorFlags().length).toBeGreaterThan(0);
});
