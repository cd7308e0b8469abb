/**
 * The kernels' vectors and products as they are compiled for processors of each width of registers that this
 * machine can run, against plain loops in double; what is made of 4 bits, to the bit.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { OPS_FLAGS, opsSource } from '../../../src/tensor/native/library.js';
import { outputOf, PROCESSORS } from '../../support/native-program.js';
import { temporaryFolder } from '../../support/temporary.js';

const program = fileURLToPath(new URL('./native-vectors.cc', import.meta.url));
const folder = temporaryFolder();
const args = [
  ...OPS_FLAGS.filter((flag) => !/^-march|^-mno|^-shared/.test(flag)),
  `-I${dirname(opsSource())}`,
];

describe.skipIf(PROCESSORS.length === 0)('vectors of kernels', () => {
  test.each(PROCESSORS)('$lanes floats, $march', ({ march, lanes }) => {
    const found = outputOf(program, march, { folder, args });
    expect(found.lanes).toBe(lanes);
    expect(found.four_bits).toBe(0);
    expect(found.special).toBe(0);
    expect(found.within).toBeLessThan(1e-6);
    for (const name of ['exp', 'exp2', 'tanh']) expect(found[name], name).toBeLessThan(5e-7);
    for (const name of ['float32', 'bfloat16']) expect(found[name], name).toBeLessThan(2e-6);
  });
});
