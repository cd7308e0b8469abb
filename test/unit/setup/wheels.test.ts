import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  announcedBytes,
  type DownloadOptions,
  fetchWheels,
  findWheel,
  wheelSource,
} from '../../../src/setup/wheels.js';
import { shellProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

test('each device and processor has its wheel', () => {
  expect(wheelSource('cpu', 'x64')).toMatchObject({
    tensorflow: 'tensorflow-cpu==2.21.0',
    extra: null,
  });
  expect(wheelSource('cpu', 'arm64').tensorflow).toBe('tensorflow==2.21.0');
  expect(wheelSource('cpu', 'arm64').platforms[0]).toBe('manylinux_2_27_aarch64');
  expect(wheelSource('cuda', 'x64')).toMatchObject({
    tensorflow: 'tensorflow==2.21.0',
    extra: 'and-cuda',
  });
});

test('a wheel is found by name and exact version only', () => {
  const folder = temporaryFolder();
  const put = (name: string) => writeFileSync(join(folder, name), '');
  put('tensorflow-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl');
  put('tensorflow_cpu-2.20.0-cp312-cp312-manylinux_2_27_x86_64.whl');
  put('nvidia_cublas_cu12-12.9.3.13-py3-none-manylinux_2_27_x86_64.whl');
  expect(findWheel(folder, 'tensorflow-cpu==2.21.0')).toBeNull();
  put('tensorflow_cpu-2.21.0-cp310-cp310-manylinux_2_27_x86_64.whl');
  expect(findWheel(folder, 'tensorflow-cpu==2.21.0')).toMatch(/tensorflow_cpu-2\.21\.0-cp310/);
  expect(findWheel(folder, 'nvidia-cublas-cu12<13.0,>=12.5.3.2')).toMatch(/nvidia_cublas_cu12/);
  expect(findWheel(folder, 'nvidia-cuda-nvcc-cu12<13.0,>=12.5.82')).toBeNull();
});

test.each([
  ['  Downloading tensorflow_cpu-2.21.0-cp312.whl (273.8 MB)', 273.8e6],
  ['Downloading x.whl (12 kB)', 12e3],
  ['Downloading https://host/x.whl (1.5 GB)', 1.5e9],
  ['Saved ./x.whl (12 kB)', 0],
])('%j announces %d bytes', (line, bytes) => {
  expect(announcedBytes(line)).toBe(bytes);
});

/** A python3 that plays pip: notes its arguments, then runs the given shell lines in its own folder. */
function options(lines: string): DownloadOptions & { readonly calls: () => string[] } {
  const bin = temporaryFolder();
  const log = join(bin, 'log');
  writeFileSync(log, '');
  const program = shellProgram(join(bin, 'python3'), `echo "$@" >> ${log}\n${lines}`);
  return {
    python: { program, version: '3.12.0', pip: '24.0' },
    platforms: ['manylinux_2_27_x86_64'],
    folder: temporaryFolder(),
    env: process.env,
    observer: { log: () => {}, progress: () => {}, stepDone: () => {} },
    signal: undefined,
    calls: () => readFileSync(log, 'utf8').trim().split('\n'),
  };
}

test('only missing wheels are downloaded, and complete ones appear under their names', async () => {
  const download = options('touch b-2.0-py3-none-any.whl');
  writeFileSync(join(download.folder, 'a-1.0-py3-none-any.whl'), '');
  const paths = await fetchWheels(['a==1.0', 'b==2.0'], download);
  expect(paths.map((path) => path.slice(download.folder.length + 1))).toEqual([
    'a-1.0-py3-none-any.whl',
    'b-2.0-py3-none-any.whl',
  ]);
  expect(download.calls()).toHaveLength(1);
  expect(download.calls()[0]).toMatch(/--platform manylinux_2_27_x86_64 b==2\.0$/);
  expect(readdirSync(download.folder)).toHaveLength(2);
});

test("pip's failure becomes one line with what to do, and leaves nothing half-made", async () => {
  const offline = options('echo "ERROR: No matching distribution found for b==2.0" >&2; exit 1');
  await expect(fetchWheels(['b==2.0'], offline)).rejects.toThrow(
    `pip download: exit code 1: ERROR: No matching distribution found for b==2.0. Check the network and pip's index`,
  );
  expect(readdirSync(offline.folder)).toEqual([]);
  const full = options('echo "OSError: [Errno 28] No space left on device" >&2; exit 2');
  await expect(fetchWheels(['b==2.0'], full)).rejects.toThrow('Free some disk space');
});
