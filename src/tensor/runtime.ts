/**
 * Where the TensorFlow runtime is and how it is to be started. Loads nothing: `tf.ts` loads what this
 * file finds, `setup/` puts there what this file looks for.
 *
 * Two kinds of binding serve `@tensorflow/tfjs-node-gpu`: the one in its own package folder (only when
 * `lorikeet setup` has seen it work), and one built by `lorikeet setup` in a cache folder per user.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { sha256 } from '../util/files.js';

const require = createRequire(import.meta.url);

/** The TensorFlow release whose wheel provides the libraries. */
export const TENSORFLOW_VERSION = '2.21.0';
/** Node-API level the binding is compiled for; any Node >= 12.22 offers it. */
export const NAPI_VERSION = 8;

export type Device = 'cpu' | 'cuda';
export type DeviceChoice = Device | 'auto';

/** One usable TensorFlow binding. */
export interface TensorflowRuntime {
  readonly device: Device;
  /** `package`: found in node_modules; `wheel`: built by `lorikeet setup`. */
  readonly source: 'package' | 'wheel';
  /** TensorFlow's version, e.g. `2.21.0`. */
  readonly version: string;
  /** Absolute path of `tfjs_binding.node`. */
  readonly binding: string;
  /** Folder with `include/` and the shared libraries, for compiling operations; null without headers. */
  readonly tensorflowDir: string | null;
}

/** What `manifest.json` of a cached runtime says; its presence means that the folder is complete. */
export interface RuntimeManifest {
  readonly device: Device;
  readonly version: string;
  readonly wheel: string;
  readonly compiler: string;
  /** Size in bytes of each file that must be there, by path relative to the folder. */
  readonly files: Readonly<Record<string, number>>;
}

/** `$LORIKEET_CACHE`, else `$XDG_CACHE_HOME/lorikeet`, else `~/.cache/lorikeet`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LORIKEET_CACHE) return resolve(env.LORIKEET_CACHE);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), 'lorikeet');
  return join(homedir(), '.cache', 'lorikeet');
}

/** Folder of the runtime that `lorikeet setup` builds for a device. */
export function runtimeDir(device: Device, root = cacheRoot()): string {
  const tag = `${TENSORFLOW_VERSION}-${device}-${process.platform}-${process.arch}-napi${NAPI_VERSION}`;
  return join(root, 'tensorflow', tag);
}

/** Root folder of the installed `@tensorflow/tfjs-node-gpu`. */
export function tfjsPackageDir(): string {
  return dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

/** The binding in the package's own folder, or null when its install script has put none there. */
export function packageBinding(packageDir = tfjsPackageDir()): string | null {
  const path = join(packageDir, 'lib', `napi-v${NAPI_VERSION}`, 'tfjs_binding.node');
  return existsSync(path) ? path : null;
}

/** Where `lorikeet setup` notes that it has seen this very binding work under this Node. */
export function packageStamp(binding: string, root = cacheRoot()): string {
  const { size, mtimeMs } = statSync(binding);
  const key = sha256(JSON.stringify([binding, size, mtimeMs, process.versions.modules]));
  return join(root, 'tensorflow', `package-${key.slice(0, 16)}.json`);
}

function readJsonOrNull<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** The manifest of a complete runtime folder; null when it is absent, torn or a file has another size. */
export function readManifest(dir: string): RuntimeManifest | null {
  const manifest = readJsonOrNull<RuntimeManifest>(join(dir, 'manifest.json'));
  if (manifest === null || typeof manifest.files !== 'object') return null;
  const intact = Object.entries(manifest.files).every(
    ([path, size]) => statSync(join(dir, path), { throwIfNoEntry: false })?.size === size,
  );
  return intact ? manifest : null;
}

function cachedRuntime(device: Device, root: string): TensorflowRuntime | null {
  const dir = runtimeDir(device, root);
  const manifest = readManifest(dir);
  if (manifest === null) return null;
  return {
    device,
    source: 'wheel',
    version: manifest.version,
    binding: join(dir, 'tfjs_binding.node'),
    tensorflowDir: join(dir, 'tensorflow'),
  };
}

/** What the stamp of a working package binding says. */
export interface PackageStamp {
  readonly version: string;
  readonly device: Device;
}

function ownRuntime(device: Device, root: string): TensorflowRuntime | null {
  const binding = packageBinding();
  if (binding === null) return null;
  const stamp = readJsonOrNull<PackageStamp>(packageStamp(binding, root));
  if (stamp === null || stamp.device !== device) return null;
  return { device, source: 'package', version: stamp.version, binding, tensorflowDir: null };
}

/**
 * The runtime to use for a device: the package's own binding if set-up has seen it work, else the one in
 * the cache. `auto` prefers a CUDA runtime that is set up. Null when nothing is set up.
 */
export function locateRuntime(choice: DeviceChoice, root = cacheRoot()): TensorflowRuntime | null {
  const devices: readonly Device[] = choice === 'auto' ? ['cuda', 'cpu'] : [choice];
  for (const device of devices) {
    const found = ownRuntime(device, root) ?? cachedRuntime(device, root);
    if (found !== null) return found;
  }
  return null;
}
