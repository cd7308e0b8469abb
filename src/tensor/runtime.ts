/**
 * Where the TensorFlow runtime is. Loads nothing: `tf.ts` loads what this file finds, `setup/` puts there
 * what this file looks for.
 *
 * Two kinds of binding serve `@tensorflow/tfjs-node-gpu`: the one in its own package folder (only when
 * `lorikeet setup` has seen it work), and one built by `lorikeet setup` in a cache folder per user.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '../util/cache.js';
import { sha256 } from '../util/files.js';
import {
  bindingModule,
  NAPI_VERSION,
  stderrCaptureModule,
  tfjsPackageDir,
} from './binding/modules.js';
import { type DeviceChoice, hasNvidiaGpu, kindOf } from './gpu.js';

/** The TensorFlow release whose wheel provides the libraries. */
export const TENSORFLOW_VERSION = '2.21.0';

export type Device = 'cpu' | 'cuda';
export type { DeviceChoice };

/** One usable TensorFlow binding. */
export interface TensorflowRuntime {
  readonly device: Device;
  /** `package`: found in node_modules; `wheel`: built by `lorikeet setup`. */
  readonly source: 'package' | 'wheel';
  /** TensorFlow's version, e.g. `2.21.0`. */
  readonly version: string;
  /** Absolute path of tfjs-node's binding. */
  readonly binding: string;
  /** Absolute path of the module for a quiet load; null when the binding came without one. */
  readonly stderrCapture: string | null;
  /** Folder with `include/` and the shared libraries, for compiling operations; null without headers. */
  readonly tensorflowDir: string | null;
}

/** What `manifest.json` of a cached runtime says; its presence means that the folder is complete. */
export interface RuntimeManifest {
  readonly device: Device;
  readonly version: string;
  /** File names of the wheels the libraries come from. */
  readonly wheels: readonly string[];
  readonly compiler: string;
  /** Size in bytes of each file that must be there, by path relative to the folder. */
  readonly files: Readonly<Record<string, number>>;
}

/** What the stamp of a working package binding says. */
export interface PackageStamp {
  readonly version: string;
  readonly device: Device;
}

/** Folder of the runtime that `lorikeet setup` builds for a device. */
export function runtimeDir(device: Device, root = cacheRoot()): string {
  const machine = `${process.platform}-${process.arch}`;
  return join(root, 'tensorflow', `${TENSORFLOW_VERSION}-${device}-${machine}-napi${NAPI_VERSION}`);
}

/** The binding in the package's own folder, or null when its install script has put none there. */
export function packageBinding(packageDir: string): string | null {
  const path = join(packageDir, 'lib', `napi-v${NAPI_VERSION}`, 'tfjs_binding.node');
  return existsSync(path) ? path : null;
}

/** Where `lorikeet setup` notes that it has seen this very binding work under this Node. */
export function packageStampPath(binding: string, root: string): string {
  const { size, mtimeMs } = statSync(binding);
  const key = sha256(JSON.stringify([binding, size, mtimeMs, process.versions.modules]));
  return join(root, 'tensorflow', `package-${key.slice(0, 16)}.json`);
}

/** Null when the file is absent or torn, which for a cache means the same: not there. */
function readCachedJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** The manifest of a complete runtime folder; null when it is absent, torn or a file has another size. */
export function readManifest(dir: string): RuntimeManifest | null {
  const manifest = readCachedJson<RuntimeManifest>(join(dir, 'manifest.json'));
  if (manifest === null || typeof manifest.files !== 'object') return null;
  const intact = Object.entries(manifest.files).every(
    ([path, size]) => statSync(join(dir, path), { throwIfNoEntry: false })?.size === size,
  );
  return intact ? manifest : null;
}

function wheelRuntime(device: Device, root: string): TensorflowRuntime | null {
  const dir = runtimeDir(device, root);
  const manifest = readManifest(dir);
  const [binding, capture] = [bindingModule().file, stderrCaptureModule().file];
  if (manifest === null || !(binding in manifest.files && capture in manifest.files)) return null;
  return {
    device,
    source: 'wheel',
    version: manifest.version,
    binding: join(dir, binding),
    stderrCapture: join(dir, capture),
    tensorflowDir: join(dir, 'tensorflow'),
  };
}

function packageRuntime(
  device: Device,
  root: string,
  packageDir: string,
): TensorflowRuntime | null {
  const binding = packageBinding(packageDir);
  if (binding === null) return null;
  const stamp = readCachedJson<PackageStamp>(packageStampPath(binding, root));
  if (stamp?.device !== device) return null;
  const { version } = stamp;
  return { device, source: 'package', version, binding, stderrCapture: null, tensorflowDir: null };
}

export interface RuntimePlaces {
  /** Cache folder. */
  readonly root?: string;
  /** Folder of `@tensorflow/tfjs-node-gpu`. */
  readonly packageDir?: string;
}

/**
 * The runtime to use for a device: the package's own binding if set-up has seen it work, else the one in
 * the cache. `auto` prefers CUDA where there is an NVIDIA GPU and CUDA is set up. Null when none is set up.
 */
export function locateRuntime(
  choice: DeviceChoice,
  { root = cacheRoot(), packageDir = tfjsPackageDir() }: RuntimePlaces = {},
): TensorflowRuntime | null {
  const auto: readonly Device[] = hasNvidiaGpu() ? ['cuda', 'cpu'] : ['cpu'];
  const kind = kindOf(choice);
  for (const device of kind === 'auto' ? auto : [kind]) {
    const found = packageRuntime(device, root, packageDir) ?? wheelRuntime(device, root);
    if (found !== null) return found;
  }
  return null;
}
