import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  bindingModule,
  nativeModule,
  stderrCaptureModule,
} from '../../../src/tensor/binding/modules.js';
import { hasNvidiaGpu } from '../../../src/tensor/gpu.js';
import {
  type Device,
  locateRuntime,
  packageStampPath,
  readManifest,
  runtimeDir,
} from '../../../src/tensor/runtime.js';
import { temporaryFolder } from '../../support/temporary.js';

const BINDING = bindingModule().file;
const CAPTURE = stderrCaptureModule().file;

/** Puts a runtime of small files into a cache. */
function putRuntime(root: string, device: Device, names = [BINDING, CAPTURE]): string {
  const folder = runtimeDir(device, root);
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), '12345');
  const files = Object.fromEntries(names.map((name) => [name, 5]));
  const manifest = { device, version: '2.21.0', wheels: [], compiler: '', files };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

test('a runtime counts when its manifest and all files are whole', () => {
  const folder = putRuntime(temporaryFolder(), 'cpu');
  expect(readManifest(folder)?.version).toBe('2.21.0');
  writeFileSync(join(folder, BINDING), '1234');
  expect(readManifest(folder)).toBeNull();
  writeFileSync(join(folder, 'manifest.json'), '{"device": "cp');
  expect(readManifest(folder)).toBeNull();
  expect(readManifest(temporaryFolder())).toBeNull();
});

test('each device has its runtime; auto takes CUDA only where there is a GPU', () => {
  const root = temporaryFolder();
  const places = { root, packageDir: temporaryFolder() };
  expect(locateRuntime('auto', places)).toBeNull();
  putRuntime(root, 'cuda');
  expect(locateRuntime('cpu', places)).toBeNull();
  expect(locateRuntime('cuda', places)?.device).toBe('cuda');
  expect(locateRuntime('auto', places)?.device).toBe(hasNvidiaGpu() ? 'cuda' : undefined);
  putRuntime(root, 'cpu');
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
  expect(locateRuntime('auto', places)).toMatchObject({ device: 'cpu' });
});

test('modules made from other sources are not taken', () => {
  const root = temporaryFolder();
  const places = { root, packageDir: temporaryFolder() };
  for (const names of [
    [BINDING, 'stderr_capture.node'],
    ['tfjs_binding.node', CAPTURE],
  ]) {
    putRuntime(root, 'cpu', names);
    expect(locateRuntime('cpu', places)).toBeNull();
  }
  const folder = putRuntime(root, 'cpu');
  const there = { binding: join(folder, BINDING), stderrCapture: join(folder, CAPTURE) };
  expect(locateRuntime('cpu', places)).toMatchObject(there);
});

test('a module is named after the content of its sources, headers too', () => {
  const [source, header] = ['a.cc', 'b.h'].map((name) => join(temporaryFolder(), name));
  const nameWith = (code: string, included: string) => {
    writeFileSync(source!, code);
    writeFileSync(header!, included);
    return nativeModule('a', [source!, header!]);
  };
  const made = nameWith('1', '2');
  expect(made.file).toMatch(/^a-[0-9a-f]{16}\.node$/);
  expect(made.sources).toEqual([source]);
  expect(nameWith('1', '2').file).toBe(made.file);
  expect(nameWith('2', '2').file).not.toBe(made.file);
  expect(nameWith('1', '3').file).not.toBe(made.file);
});

test("the package's own binding counts only with the note that it works, and then comes first", () => {
  const root = temporaryFolder();
  const packageDir = temporaryFolder();
  const binding = join(packageDir, 'lib', 'napi-v8', 'tfjs_binding.node');
  mkdirSync(join(packageDir, 'lib', 'napi-v8'), { recursive: true });
  writeFileSync(binding, '1');
  putRuntime(root, 'cpu');
  const places = { root, packageDir };
  expect(locateRuntime('cpu', places)?.source).toBe('wheel');
  const stamp = packageStampPath(binding, root);
  writeFileSync(stamp, JSON.stringify({ version: '2.9.1', device: 'cpu' }));
  expect(locateRuntime('cpu', places)).toMatchObject({
    source: 'package',
    version: '2.9.1',
    binding,
  });
  writeFileSync(binding, 'another file');
  expect(locateRuntime('cpu', places)?.source).toBe('wheel');
});

test('an NVIDIA GPU is seen by its device file unless all are hidden', () => {
  const dev = temporaryFolder();
  expect(hasNvidiaGpu({}, dev)).toBe(false);
  writeFileSync(join(dev, 'nvidiactl'), '');
  expect(hasNvidiaGpu({}, dev)).toBe(false);
  writeFileSync(join(dev, 'nvidia1'), '');
  expect(hasNvidiaGpu({}, dev)).toBe(true);
  expect(hasNvidiaGpu({ CUDA_VISIBLE_DEVICES: '0' }, dev)).toBe(true);
  expect(hasNvidiaGpu({ CUDA_VISIBLE_DEVICES: '-1' }, dev)).toBe(false);
  expect(hasNvidiaGpu({ CUDA_VISIBLE_DEVICES: '' }, dev)).toBe(false);
  expect(hasNvidiaGpu({}, join(dev, 'none'))).toBe(false);
});
