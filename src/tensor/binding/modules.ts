/**
 * The native modules that `setup` compiles beside TensorFlow's libraries: tfjs-node's binding, and what holds back the
 * notices of a load. The file name of each carries a hash of its sources and flags, so that none made from others is
 * ever loaded, as that of our own operations does.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../util/files.js';

/** Node-API level the modules are compiled for; every supported Node offers it. */
export const NAPI_VERSION = 8;

/** Flags beside include paths and libraries. */
export const MODULE_FLAGS: readonly string[] = [
  ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', '-D_GLIBCXX_USE_CXX11_ABI=1'],
  ...[`-DNAPI_VERSION=${NAPI_VERSION}`, '-DBUILDING_NODE_EXTENSION'],
];

export interface NativeModule {
  readonly name: string;
  readonly sources: readonly string[];
  /** Its name in the runtime folder. */
  readonly file: string;
}

/** Root folder of the installed `@tensorflow/tfjs-node-gpu`. */
export function tfjsPackageDir(): string {
  const require = createRequire(import.meta.url);
  return dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

const own = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** @param sources Paths; those that are headers are part of the others */
export function nativeModule(name: string, sources: readonly string[]): NativeModule {
  const texts = sources.map((path) => readFileSync(path, 'utf8'));
  const key = sha256(JSON.stringify([texts, MODULE_FLAGS])).slice(0, 16);
  const compiled = sources.filter((path) => path.endsWith('.cc'));
  return { name, sources: compiled, file: `${name}-${key}.node` };
}

export const stderrCaptureModule = (): NativeModule =>
  nativeModule('stderr_capture', [own('stderr-capture.cc')]);

export function bindingModule(): NativeModule {
  const folder = join(tfjsPackageDir(), 'binding');
  const sources = readdirSync(folder).sort();
  return nativeModule('tfjs_binding', [
    ...sources.filter((name) => /[.](cc|h)$/.test(name)).map((name) => join(folder, name)),
    own('log-level.cc'),
  ]);
}
