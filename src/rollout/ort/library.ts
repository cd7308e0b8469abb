/**
 * Where the ONNX Runtime shared library is (inside the npm package `onnxruntime-node`), and which versions of
 * it the rollout engine was made for.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SetupError } from '../../util/errors.js';

/** Minor versions of ONNX Runtime 1.x whose operators and functions were checked against the tests. */
const KNOWN_MINORS: readonly number[] = [30];

const FILE_NAMES: Readonly<Record<string, string>> = {
  'linux/x64': 'libonnxruntime.so.1',
  'linux/arm64': 'libonnxruntime.so.1',
  'darwin/arm64': 'libonnxruntime.1.dylib',
  'win32/x64': 'onnxruntime.dll',
  'win32/arm64': 'onnxruntime.dll',
};

export interface Host {
  readonly platform: string;
  readonly arch: string;
}

/**
 * Path of the library for this machine; `LORIKEET_ONNXRUNTIME` names another one of the same version.
 * @throws SetupError when the package has none for it, or is not installed.
 */
export function ortLibraryPath({ platform, arch }: Host = process): string {
  const other = process.env.LORIKEET_ONNXRUNTIME;
  if (other !== undefined) return existing(other, 'Correct LORIKEET_ONNXRUNTIME');
  const host = `${platform}/${arch}`;
  const fileName = FILE_NAMES[host];
  if (fileName === undefined) {
    throw new SetupError({
      where: 'ONNX Runtime',
      problem: `no library for ${host}`,
      remedy: `Supported are ${Object.keys(FILE_NAMES).join(', ')}`,
    });
  }
  const path = join(packageFolder(), 'bin', 'napi-v6', platform, arch, fileName);
  return existing(path, 'Install the package again with npm ci');
}

function existing(path: string, remedy: string): string {
  if (existsSync(path)) return path;
  throw new SetupError({ where: path, problem: 'the ONNX Runtime library is missing', remedy });
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  } catch (error) {
    throw new SetupError(
      {
        where: 'ONNX Runtime',
        problem: 'the npm package onnxruntime-node is not installed',
        remedy: 'Run npm ci',
      },
      { cause: error },
    );
  }
}

/** @throws SetupError unless `version` (as `1.30.0`) is one the engine was made for. */
export function checkOrtVersion(version: string, path: string): void {
  const match = /^1\.(\d+)\./.exec(version);
  if (match !== null && KNOWN_MINORS.includes(Number(match[1]))) return;
  throw new SetupError({
    where: path,
    problem: `ONNX Runtime ${version} is not a known version`,
    remedy: `Known are ${KNOWN_MINORS.map((minor) => `1.${minor}`).join(', ')}; run npm ci`,
  });
}
