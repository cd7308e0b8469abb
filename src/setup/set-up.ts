/**
 * Provides TensorFlow: the package's own binding where it works, else one built in the cache folder. A call
 * that finds everything in place starts no program and touches no network.
 */
import { rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tfjsPackageDir } from '../tensor/binding/modules.js';
import { pickCard } from '../tensor/gpu.js';
import { NOT_PREFERRED, prefersNativeOps } from '../tensor/native/library.js';
import {
  type Device,
  type DeviceChoice,
  locateRuntime,
  type PackageStamp,
  packageBinding,
  packageStampPath,
  type RuntimePlaces,
  readManifest,
  runtimeDir,
  type TensorflowRuntime,
} from '../tensor/runtime.js';
import { cacheRoot } from '../util/cache.js';
import { SetupError } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import { withLock } from '../util/lock.js';
import type { Env } from '../util/programs.js';
import { buildRuntime, renewModules } from './build.js';
import { unfitForTraining } from './card-requirements.js';
import { ensurePlatform, glibcVersion, resolveDevice } from './device.js';
import { compileNativeOps } from './native-ops.js';
import { nvidiaGpu, unlistedCard } from './nvidia.js';
import type { SetupObserver } from './observer.js';
import { ensureSpace, ensureWritable } from './place.js';
import { probeBinding } from './probe.js';
import { findTools } from './tools.js';
import { wheelSource } from './wheels.js';

type Places = Required<RuntimePlaces>;

export interface SetupOptions {
  /** `auto`: CUDA where there is an NVIDIA GPU, else the CPU. */
  readonly device: DeviceChoice;
  /** Build from the wheel even when a runtime is in place or the package's own binding works. */
  readonly force: boolean;
  /** CUDA for a card that is not in this machine: nothing is tried on one. */
  readonly withoutGpu?: boolean;
  readonly observer: SetupObserver;
  readonly env?: Env;
  /** Folder of `@tensorflow/tfjs-node-gpu`; default: the installed one. */
  readonly packageDir?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface SetupResult {
  /** `found`: all was in place; `package`: the package's own binding works; `built`: made now. */
  readonly outcome: 'found' | 'package' | 'built';
  readonly runtime: TensorflowRuntime;
}

/** Tries the binding in node_modules; notes that it works, so that nobody has to try it again. */
async function tryPackageBinding(
  device: Device,
  places: Places,
  options: SetupOptions,
): Promise<boolean> {
  const binding = packageBinding(places.packageDir);
  if (binding === null) return false;
  const stampPath = packageStampPath(binding, places.root);
  if (options.force) {
    rmSync(stampPath, { force: true });
    return false;
  }
  const { env = process.env, signal } = options;
  const seen = await probeBinding(binding, { env, signal, card: cardToTry(device, options) });
  if (seen.works && (device === 'cpu' || seen.gpu)) {
    const stamp: PackageStamp = { version: seen.version, device };
    writeJson(stampPath, stamp);
    return true;
  }
  const reason = seen.works ? 'it sees no GPU' : seen.reason;
  options.observer.log(`${binding} is not used: ${reason}`);
  return false;
}

/** The card that set-up is tried on; null where it is tried on none. */
const cardToTry = (device: Device, { device: choice, withoutGpu }: SetupOptions): string | null =>
  device === 'cuda' && withoutGpu !== true ? pickCard(choice) : null;

/** @throws SetupError where the card is not listed or TensorFlow cannot train on it, before anything is downloaded for it */
function ensureFit(card: string, env: Env): void {
  const gpu = nvidiaGpu(card, env);
  const unfit = gpu === null ? unlistedCard(card, env) : unfitForTraining(gpu);
  if (unfit !== null) throw new SetupError({ where: 'device=cuda', ...unfit });
}

async function build(device: Device, places: Places, options: SetupOptions): Promise<boolean> {
  const { env = process.env, observer, signal } = options;
  const folder = runtimeDir(device, places.root);
  const home = dirname(folder);
  ensurePlatform({ os: process.platform, arch: process.arch, glibc: glibcVersion() }, device);
  const card = cardToTry(device, options);
  if (card !== null) ensureFit(card, env);
  const { compiler, python } = await findTools(env);
  const onWait = (pid: number) =>
    observer.log(`another set-up (process ${pid}) is at work; waiting for it`);
  const work = async () => {
    if (!options.force && locateRuntime(device, places) !== null) return false;
    const call = { device, card, folder, python, compiler, env, observer, signal };
    const manifest = options.force ? null : readManifest(folder);
    if (manifest !== null) {
      await renewModules(manifest, call);
      return true;
    }
    const source = wheelSource(device, process.arch);
    ensureSpace(home, source.space);
    const downloads = join(places.root, 'downloads', basename(folder));
    await buildRuntime({ ...call, downloads, source });
    return true;
  };
  return withLock(`${folder}.lock`, work, { onWait, signal });
}

/** Our own operations, for the CPU and beside libraries that set-up has put there. */
async function addNativeOps(runtime: TensorflowRuntime, options: SetupOptions): Promise<void> {
  const { env = process.env, observer, signal } = options;
  if (runtime.device !== 'cpu' || runtime.tensorflowDir === null) return;
  if (!prefersNativeOps()) {
    observer.log(`no fused operations: ${NOT_PREFERRED}`);
    return;
  }
  const folder = dirname(runtime.tensorflowDir);
  await compileNativeOps({ folder, env, observer, signal });
}

/**
 * Makes TensorFlow ready for a device.
 * @throws SetupError naming what is missing and its remedy: a GPU, python3, pip, a compiler, disk space, a
 * writable cache folder, the network.
 */
export async function setUpTensorflow(options: SetupOptions): Promise<SetupResult> {
  const device = resolveDevice(options.device, options.withoutGpu);
  const { packageDir = tfjsPackageDir() } = options;
  const places: Places = { root: cacheRoot(options.env), packageDir };
  const before = options.force ? null : locateRuntime(device, places);
  if (before !== null) {
    await addNativeOps(before, options);
    return { outcome: 'found', runtime: before };
  }
  ensureWritable(join(places.root, 'tensorflow'));
  const works = await tryPackageBinding(device, places, options);
  const built = !works && (await build(device, places, options));
  const runtime = locateRuntime(device, places);
  if (runtime === null) {
    throw new SetupError(`set-up of device=${device} left no runtime in ${places.root}`);
  }
  await addNativeOps(runtime, options);
  return { outcome: works ? 'package' : built ? 'built' : 'found', runtime };
}
