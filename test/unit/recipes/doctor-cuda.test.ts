/** The doctor's lines about CUDA libraries and about what a system supports. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { libraryChecks } from '../../../src/recipes/doctor/cuda-check.js';
import { SUPPORT, supportCheck } from '../../../src/recipes/doctor/support-check.js';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-nvidia-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
  expect(supportCheck('linux-x64').status).toBe('ok');
  expect(supportCheck('darwin-arm64')).toMatchObject({
    status: 'note',
    found: expect.stringContaining('training on no; Linux in a container'),
  });
  expect(supportCheck('aix-ppc64').found).toBe('aix-ppc64 is not known');
});

test('docs/gpu.md has the same table', () => {
  const page = readFileSync('docs/gpu.md', 'utf8');
  for (const [system, { train, sample }] of Object.entries(SUPPORT)) {
    expect(page).toContain(`| ${system} | ${train} | ${sample} |`);
  }
});
