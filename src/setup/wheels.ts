/**
 * Which wheels hold TensorFlow's libraries for a device, and fetching them with pip. The running Python's
 * version does not matter: the libraries are the same in the wheels of all of them. Complete wheels stay in
 * the download folder until set-up is done, so that a second try goes on from there.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Device, TENSORFLOW_VERSION } from '../tensor/runtime.js';
import { partName } from '../util/atomic-folder.js';
import { counted } from '../util/counted.js';
import { SetupError } from '../util/errors.js';
import { failureOf, runChild } from './child.js';
import type { StepContext } from './observer.js';
import type { Python } from './tools.js';

export interface WheelSource {
  /** Requirement of the wheel with TensorFlow's libraries. */
  readonly tensorflow: string;
  /** Extra of that wheel whose requirements hold further libraries; null when there are none. */
  readonly extra: string | null;
  /** pip's platform tags. */
  readonly platforms: readonly string[];
  /** Disk space that set-up needs at its peak, in bytes. */
  readonly space: number;
}

export function wheelSource(device: Device, arch: string): WheelSource {
  const machine = arch === 'arm64' ? 'aarch64' : 'x86_64';
  const cuda = device === 'cuda';
  const name = cuda || arch === 'arm64' ? 'tensorflow' : 'tensorflow-cpu';
  return {
    tensorflow: `${name}==${TENSORFLOW_VERSION}`,
    extra: cuda ? 'and-cuda' : null,
    platforms: [
      `manylinux_2_27_${machine}`,
      `manylinux_2_17_${machine}`,
      `manylinux2014_${machine}`,
    ],
    space: cuda ? 11e9 : 1.8e9,
  };
}

/** A wheel file's name starts with the requirement's name, `-` and `.` written as `_`. */
function isWheelOf(file: string, requirement: string): boolean {
  const [name = '', version] = requirement.split(/[<>=!~\s]+/);
  const stem = name.replace(/[-.]+/g, '_').toLowerCase();
  const exact = requirement.includes('==') ? `${version}-` : '';
  return file.endsWith('.whl') && file.toLowerCase().startsWith(`${stem}-${exact}`);
}

/** The wheel in a folder that satisfies a requirement, or null. */
export function findWheel(folder: string, requirement: string): string | null {
  const file = readdirSync(folder).find((name) => isWheelOf(name, requirement));
  return file === undefined ? null : join(folder, file);
}

/** Bytes of all files below a folder; files that vanish meanwhile count as nothing. */
function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

const UNITS: Readonly<Record<string, number>> = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** Size in pip's line `Downloading x.whl (273.8 MB)`; 0 in any other line. */
export function announcedBytes(line: string): number {
  const match = /^\s*Downloading .*\((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)/.exec(line);
  return match === null ? 0 : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
}

export interface DownloadOptions extends StepContext {
  readonly python: Python;
  readonly platforms: readonly string[];
  /** Where complete wheels are kept. */
  readonly folder: string;
}

function downloadError(detail: string, folder: string): SetupError {
  const noSpace = /No space left/i.test(detail);
  return new SetupError({
    where: 'pip download',
    problem: detail,
    remedy: noSpace
      ? 'Free some disk space, or set LORIKEET_CACHE to a folder on a larger disk'
      : `Check the network and pip's index (\`pip config list\`), or put the wheel files into ${folder} by hand`,
  });
}

const pipArguments = (requirements: readonly string[], platforms: readonly string[]) => [
  ...['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--progress-bar', 'off'],
  ...[
    '--only-binary=:all:',
    '--implementation',
    'cp',
    '--python-version',
    '3.12',
    '--abi',
    'cp312',
  ],
  ...platforms.flatMap((tag) => ['--platform', tag]),
  ...requirements,
];

/** @throws SetupError when pip fails. */
async function download(requirements: readonly string[], options: DownloadOptions): Promise<void> {
  const { python, folder, observer, signal } = options;
  const part = join(folder, partName());
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  let total = 0;
  const show = () => observer.progress('download', Math.min(bytesBelow(part), total), total);
  const timer = setInterval(show, 250);
  const pip = {
    PIP_NO_INPUT: '1',
    PIP_REQUIRE_VIRTUALENV: '0',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
  try {
    const result = await runChild(python.program, pipArguments(requirements, options.platforms), {
      env: { ...options.env, ...pip, PYTHONUNBUFFERED: '1', TMPDIR: part },
      cwd: part,
      signal,
      onLine: (line) => {
        total += announcedBytes(line);
      },
    });
    if (result.code !== 0) throw downloadError(failureOf(result), folder);
    for (const name of readdirSync(part).filter((file) => file.endsWith('.whl'))) {
      renameSync(join(part, name), join(folder, name));
    }
  } finally {
    clearInterval(timer);
    observer.stepDone();
    rmSync(part, { recursive: true, force: true });
  }
}

/** Paths of wheels for all requirements, in their order; only those not yet in the folder are downloaded. */
export async function fetchWheels(
  requirements: readonly string[],
  options: DownloadOptions,
): Promise<string[]> {
  const missing = requirements.filter((item) => findWheel(options.folder, item) === null);
  const kept = requirements.length - missing.length;
  if (kept > 0)
    options.observer.log(`${counted(kept, 'complete wheel')} found in ${options.folder}`);
  if (missing.length > 0) await download(missing, options);
  return requirements.map((item) => {
    const path = findWheel(options.folder, item);
    if (path === null) throw downloadError(`it left no wheel for ${item}`, options.folder);
    return path;
  });
}

export const wheelNames = (paths: readonly string[]): string[] =>
  paths.map((path) => basename(path));
