/**
 * The kernels' vectors and products as they are compiled for processors of each width of registers that this
 * machine can run, against plain loops in double; what is made of 4 bits, to the bit.
 */

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findCompiler } from '../../../src/setup/tools.js';
import { OPS_FLAGS, opsSource } from '../../../src/tensor/native/library.js';
import { hasVectors, processorFlags } from '../../../src/util/processor.js';
import { temporaryFolder } from '../../support/temporary.js';

const program = fileURLToPath(new URL('./native-vectors.cc', import.meta.url));
const folder = temporaryFolder();

function compileAndRun(march: string): Record<string, number> {
  const compiler = findCompiler(process.env);
  const flags = OPS_FLAGS.filter((flag) => !/^-march|^-mno|^-shared/.test(flag));
  const file = join(folder, march);
  const include = `-I${dirname(opsSource())}`;
  execFileSync(compiler.program, [
    ...compiler.args,
    ...flags,
    ...[`-march=${march}`, include, program, '-o', file],
  ]);
  return JSON.parse(execFileSync(file, { encoding: 'utf8' }));
}

const flags = processorFlags();
const widths = [
  { march: 'x86-64', lanes: 4, runs: process.arch === 'x64' },
  { march: 'x86-64-v3', lanes: 8, runs: hasVectors(flags) },
  { march: 'x86-64-v4', lanes: 16, runs: flags.includes('avx512f') },
  { march: 'sapphirerapids', lanes: 16, runs: flags.includes('amx_bf16') },
];

describe.skipIf(process.platform !== 'linux')('vectors of kernels', () => {
  test.each(widths.filter(({ runs }) => runs))('$lanes floats, $march', ({ march, lanes }) => {
    const found = compileAndRun(march);
    expect(found.lanes).toBe(lanes);
    expect(found.four_bits).toBe(0);
    expect(found.within).toBeLessThan(1e-6);
    for (const name of ['exp', 'exp2', 'tanh']) expect(found[name], name).toBeLessThan(5e-7);
    for (const name of ['float32', 'bfloat16']) expect(found[name], name).toBeLessThan(2e-6);
  });
});
