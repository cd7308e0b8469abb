/** The doctor's lines about CUDA libraries and about what a system supports. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { libraryChecks } from '../../../../src/recipes/doctor/cuda-check.js';
import { supportCheck, supportTable } from '../../../../src/recipes/doctor/support-check.js';
import { temporaryFolder } from '../../../support/temporary.js';

const folder = temporaryFolder();

test('each CUDA library is found or has its remedy', () => {
  const path = join(folder, 'cudnn/lib/libcudnn.so.9');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  const checks = libraryChecks(folder);
  expect(checks).toHaveLength(9);
  expect(checks.filter(({ status }) => status === 'ok').map(({ name }) => name)).toEqual([
    'libcudnn.so.9',
  ]);
  expect(checks[0]).toEqual({
    name: 'libcudart.so.12',
    status: 'broken',
    found: `not at ${join(folder, 'cuda_runtime/lib/libcudart.so.12')}`,
    remedy: 'Run `npx lorikeet setup device=cuda force=true`',
  });
});

test('what a system supports: this one, one without training, an unknown one', () => {
  expect(supportCheck('linux-x64')).toMatchObject({
    status: 'ok',
    found:
      'on linux-x64: training on CPU, CUDA (not tested); rollouts on CPU, WebGPU (tested in software), CUDA (not tested)',
  });
  expect(supportCheck('darwin-arm64')).toMatchObject({
    status: 'note',
    found: expect.stringContaining('training on nothing; rollouts on CPU (not tested)'),
  });
  expect(supportCheck('aix-ppc64').found).toBe('aix-ppc64 is not known');
});

test.each(['docs/gpu.md', 'README.md'])('%s has the same table', (page) => {
  expect(readFileSync(page, 'utf8')).toContain(supportTable());
});
