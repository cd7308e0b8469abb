/**
 * ONNX Runtime with its CUDA provider, for rollouts: the wheel `onnxruntime-gpu` in the version of the npm package,
 * and the CUDA 13 and cuDNN libraries that it needs. They go into a folder of their own, which only the process
 * that samples searches: TensorFlow's CUDA 12 libraries have the same names in part.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { removeFolderParts, replaceFolder } from '../util/atomic-folder.js';
import { cacheRoot } from '../util/cache.js';
import { writeJson } from '../util/files.js';
import { withLock } from '../util/lock.js';
import { readRecord } from '../util/own-files.js';
import { versionOf } from '../util/package-version.js';
import type { Env } from '../util/programs.js';
import type { SetupObserver, StepContext } from './observer.js';
import { ensureSpace, ensureWritable } from './place.js';
import { findPython } from './tools.js';
import { requirementsOf, unpack } from './unpack.js';
import { fetchWheels, wheelNames } from './wheels.js';

/** Room for wheels and unpacked libraries side by side, in bytes. */
const SPACE = 6e9;
const PLATFORMS = [
  'manylinux_2_28_x86_64',
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
];
const MANIFEST = 'manifest.json';
const CAPI = join('onnxruntime', 'capi');

/** Of the npm package, which the wheel must have too. */
const runtimeVersion = (): string => versionOf('onnxruntime-node');

const folderIn = (root: string): string =>
  join(root, 'onnxruntime', `${runtimeVersion()}-cuda-${process.platform}-${process.arch}`);

export interface CudaRollouts {
  /** ONNX Runtime's library, beside its CUDA provider. */
  readonly library: string;
  /** Folders of the CUDA libraries. */
  readonly libraryPath: readonly string[];
  readonly wheels: readonly string[];
}

/** What set-up has put in place; null where it has not. */
export function findCudaRollouts(): CudaRollouts | null {
  const folder = folderIn(cacheRoot());
  if (!existsSync(join(folder, MANIFEST))) return null;
  const { wheels } = readRecord<CudaRollouts>(join(folder, MANIFEST), {
    fields: { wheels: 'list' },
    remedy: `Delete ${folder} and run setup again`,
  });
  const capi = join(folder, CAPI);
  const name = readdirSync(capi).find((file) => file.startsWith('libonnxruntime.so'));
  if (name === undefined) return null;
  return { library: join(capi, name), libraryPath: libraryFolders(folder), wheels };
}

function libraryFolders(folder: string): string[] {
  const nvidia = join(folder, 'nvidia');
  const all = readdirSync(nvidia, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const holding = all.filter(({ name }) => /[.]so([.]\d+)*$/.test(name));
  return [...new Set(holding.map(({ parentPath }) => parentPath))].sort();
}

/** The environment of a process that samples with them. */
export function cudaRolloutsEnv(found: CudaRollouts): Env {
  const { env } = process;
  const former = env.LD_LIBRARY_PATH;
  const folders = [...found.libraryPath, ...(former === undefined ? [] : [former])];
  return {
    ...env,
    LORIKEET_ONNXRUNTIME: found.library,
    LD_LIBRARY_PATH: folders.join(delimiter),
    CUDA_DEVICE_ORDER: env.CUDA_DEVICE_ORDER ?? 'PCI_BUS_ID',
    // cuDNN's attention builds a plan for every new shape of prompts and cache; ONNX Runtime's own do not.
    ORT_ENABLE_CUDNN_FLASH_ATTENTION: env.ORT_ENABLE_CUDNN_FLASH_ATTENTION ?? '0',
  };
}

export interface CudaRolloutsOptions {
  readonly observer: SetupObserver;
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Downloads and unpacks them, unless they are there.
 * @throws SetupError when a step fails; nothing half-made is left behind but complete wheels
 */
export async function setUpCudaRollouts(options: CudaRolloutsOptions): Promise<'found' | 'made'> {
  const { observer, force, signal } = options;
  if (!force && findCudaRollouts() !== null) return 'found';
  const folder = folderIn(cacheRoot());
  const parent = dirname(folder);
  ensureWritable(parent);
  ensureSpace(parent, SPACE);
  const onWait = (pid: number) => observer.log(`waiting for another set-up (process ${pid})`);
  return await withLock(`${folder}.lock`, () => fill(folder, options), { onWait, signal });
}

async function fill(folder: string, options: CudaRolloutsOptions): Promise<'found' | 'made'> {
  const { observer, force, signal } = options;
  const { env } = process;
  if (!force && findCudaRollouts() !== null) return 'found';
  const downloads = `${folder}.downloads`;
  mkdirSync(downloads, { recursive: true });
  removeFolderParts(downloads);
  observer.log(`ONNX Runtime ${runtimeVersion()} for CUDA goes to ${folder}`);
  await replaceFolder(folder, async (part) => {
    const python = await findPython(env);
    const wheels = await wheelsInto(downloads, { observer, env, signal });
    const wanted = { folder: part, prefixes: [`${CAPI}/libonnxruntime`, 'nvidia/'] };
    for (const wheel of wheels) await unpack(wheel, wanted, { python, observer, signal });
    writeJson(join(part, MANIFEST), { wheels: wheelNames(wheels) });
  });
  rmSync(downloads, { recursive: true, force: true });
  return 'made';
}

/** The provider needs cuBLAS as well, which its wheel leaves to cuDNN's to ask for. */
async function wheelsInto(
  folder: string,
  { observer, env, signal }: StepContext,
): Promise<string[]> {
  const python = await findPython(env);
  const download = { python, platforms: PLATFORMS, folder, env, observer, signal };
  const [wheel = ''] = await fetchWheels([`onnxruntime-gpu==${runtimeVersion()}`], download);
  const named = { python, observer, signal };
  const cuda = await requirementsOf(wheel, 'cuda', named);
  const cudnn = await requirementsOf(wheel, 'cudnn', named);
  const needed = [...cuda, ...cudnn, 'nvidia-cublas~=13.0'];
  return [wheel, ...(await fetchWheels(needed, download))];
}
