/** Which device set-up is for, and whether this machine can run TensorFlow's libraries at all. */
import { hasNvidiaGpu, kindOf, noGpuError, pickCard } from '../tensor/gpu.js';
import { type Device, type DeviceChoice, TENSORFLOW_VERSION } from '../tensor/runtime.js';
import { SetupError } from '../util/errors.js';

const INSTEAD =
  'use device=cpu; for an image or another machine, which has the GPU, give without_gpu=true';

/**
 * @param withoutGpu `cuda` is for a card that is elsewhere.
 * @throws SetupError for `cuda` on a machine without an NVIDIA GPU; nothing is downloaded or loaded first.
 */
export function resolveDevice(choice: DeviceChoice, withoutGpu = false): Device {
  const kind = kindOf(choice);
  if (kind === 'cuda' && !withoutGpu) {
    if (!hasNvidiaGpu()) throw noGpuError(INSTEAD);
    pickCard(choice);
  }
  return kind === 'auto' ? (hasNvidiaGpu() ? 'cuda' : 'cpu') : kind;
}

/** TensorFlow's wheels are built against this version of the C library. */
const MINIMUM_GLIBC = [2, 27] as const;

/** Version of the C library Node runs on, e.g. `2.36`; null where it is not glibc. */
export function glibcVersion(): string | null {
  const report = process.report?.getReport() as
    | { header?: { glibcVersionRuntime?: string } }
    | undefined;
  return report?.header?.glibcVersionRuntime ?? null;
}

export interface Platform {
  readonly os: NodeJS.Platform;
  readonly arch: NodeJS.Architecture;
  readonly glibc: string | null;
}

/** @throws SetupError when TensorFlow's wheels do not fit the system. */
export function ensurePlatform({ os, arch, glibc }: Platform, device: Device): void {
  const where = `${os}-${arch}`;
  const archs = device === 'cuda' ? ['x64'] : ['x64', 'arm64'];
  if (os !== 'linux' || !archs.includes(arch)) {
    throw new SetupError({
      where,
      problem: `TensorFlow ${TENSORFLOW_VERSION} cannot be set up for device=${device} on this system`,
      remedy: `Use Linux on ${archs.join(' or ')} (on Windows inside WSL 2, on a Mac inside a container)`,
    });
  }
  const [major = 0, minor = 0] = (glibc ?? '0').split('.').map(Number);
  if (major > MINIMUM_GLIBC[0] || (major === MINIMUM_GLIBC[0] && minor >= MINIMUM_GLIBC[1])) return;
  throw new SetupError({
    where,
    problem: glibc === null ? 'the C library is not glibc' : `glibc ${glibc} is too old`,
    remedy: `Use a system with glibc ${MINIMUM_GLIBC.join('.')} or newer (Debian 10, Ubuntu 18.10, Fedora 28; not Alpine)`,
  });
}
