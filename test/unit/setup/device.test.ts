import { expect, test, vi } from 'vitest';
import { ensurePlatform, glibcVersion, resolveDevice } from '../../../src/setup/device.js';
import { hasNvidiaGpu } from '../../../src/tensor/gpu.js';

test('cpu is always possible; without a visible GPU auto is cpu and cuda is refused', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
  expect(resolveDevice('cpu')).toBe('cpu');
  expect(resolveDevice('auto')).toBe('cpu');
  expect(() => resolveDevice('cuda')).toThrow(
    'device=cuda: no NVIDIA GPU is visible to this process (CUDA_VISIBLE_DEVICES=""). Install the NVIDIA driver',
  );
});

test('auto follows what the machine shows', () => {
  expect(resolveDevice('auto')).toBe(hasNvidiaGpu() ? 'cuda' : 'cpu');
});

const linux = { os: 'linux', arch: 'x64', glibc: '2.36' } as const;

test.each([
  [linux, 'cpu'],
  [linux, 'cuda'],
  [{ ...linux, glibc: '2.27' }, 'cpu'],
  [{ ...linux, glibc: '3.0' }, 'cpu'],
  [{ ...linux, arch: 'arm64' }, 'cpu'],
] as const)('%o can have device=%s', (platform, device) => {
  expect(() => ensurePlatform(platform, device)).not.toThrow();
});

test.each([
  [{ ...linux, os: 'darwin' }, 'cpu', 'Use Linux on x64 or arm64'],
  [{ ...linux, arch: 'arm64' }, 'cuda', 'Use Linux on x64 ('],
  [{ ...linux, glibc: '2.26' }, 'cpu', 'glibc 2.26 is too old'],
  [{ ...linux, glibc: null }, 'cpu', 'the C library is not glibc'],
] as const)('%o cannot have device=%s', (platform, device, message) => {
  expect(() => ensurePlatform(platform, device)).toThrow(message);
});

test.runIf(process.platform === 'linux')('the C library of this process has a version', () => {
  expect(glibcVersion() ?? 'musl').toMatch(/^\d+\.\d+|musl$/);
});
