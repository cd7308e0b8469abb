/**
 * Builds a TensorFlow runtime: wheels → libraries and headers → binding → a product really computed. All of
 * it happens in a folder beside the final one, which gets its name by one rename when everything is there.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  BINDING,
  type Device,
  type RuntimeManifest,
  STDERR_CAPTURE,
  TENSORFLOW_VERSION,
} from '../tensor/runtime.js';
import { removeFolderParts, replaceFolder } from '../util/atomic-folder.js';
import { SetupError } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import { TRAINING_DRIVER } from './card-requirements.js';
import { compileBinding, LIBRARIES } from './compile.js';
import { findNodeHeaders, headerFolders } from './node-headers.js';
import type { StepContext } from './observer.js';
import { probeBinding } from './probe.js';
import type { Compiler, Python } from './tools.js';
import { requirementsOf, unpack } from './unpack.js';
import { fetchWheels, type WheelSource, wheelNames } from './wheels.js';

export interface BuildOptions extends StepContext {
  readonly device: Device;
  /** The card that CUDA is tried on, as CUDA_VISIBLE_DEVICES names it; null: none. */
  readonly card: string | null;
  /** The final folder. */
  readonly folder: string;
  /** Where complete wheels wait. */
  readonly downloads: string;
  readonly source: WheelSource;
  readonly python: Python;
  readonly compiler: Compiler;
}

/** Headers whose absence would show that unpacking was cut short. */
const HEADERS = [
  'tensorflow/include/tensorflow/c/c_api.h',
  'tensorflow/include/tsl/platform/types.h',
];

/** Members of the wheels that the runtime needs. */
const PREFIXES = [
  'tensorflow/include/',
  ...LIBRARIES.map((name) => `tensorflow/${name}`),
  'nvidia/',
];

async function allWheels(options: BuildOptions): Promise<string[]> {
  const { source, python, downloads, env, observer, signal } = options;
  const { platforms } = source;
  const download = { python, platforms, folder: downloads, env, observer, signal };
  const [tensorflow = ''] = await fetchWheels([source.tensorflow], download);
  if (source.extra === null) return [tensorflow];
  const needed = await requirementsOf(tensorflow, source.extra, { python, observer, signal });
  return [tensorflow, ...(await fetchWheels(needed, download))];
}

function fileSizes(folder: string): Record<string, number> {
  const nvidia = readdirSync(folder).includes('nvidia')
    ? readdirSync(join(folder, 'nvidia'), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.so(\.\d+)*$/.test(name))
        .map((name) => join('nvidia', name))
    : [];
  const names = [
    BINDING,
    STDERR_CAPTURE,
    ...LIBRARIES.map((name) => join('tensorflow', name)),
    ...HEADERS,
    ...nvidia,
  ];
  return Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size]));
}

async function check(binding: string, options: BuildOptions): Promise<string> {
  const { device, card, env, signal } = options;
  const seen = await probeBinding(binding, { env, signal, card });
  const problem = seen.works
    ? `TensorFlow ${seen.version} for CUDA sees no usable GPU`
    : `the built binding does not work: ${seen.reason}`;
  if (seen.works && (card === null || seen.gpu)) return seen.version;
  throw new SetupError({
    where: `device=${device}`,
    problem,
    remedy:
      device === 'cuda'
        ? `Check that nvidia-smi lists the GPU with ${TRAINING_DRIVER}, or use device=cpu`
        : 'Run `npx lorikeet doctor` for what this machine lacks',
  });
}

async function fill(part: string, options: BuildOptions): Promise<void> {
  const { device, python, compiler, env, observer, signal } = options;
  const wheels = await allWheels(options);
  for (const wheel of wheels) {
    await unpack(wheel, { folder: part, prefixes: PREFIXES }, { python, observer, signal });
  }
  const scratch = join(part, 'node-headers');
  const folders = headerFolders(process.execPath, env);
  const search = { folders, scratch, env };
  const nodeHeaders = await findNodeHeaders(search, { python, observer, signal });
  observer.log(`compiling the binding with ${compiler.program}`);
  const logFile = join(dirname(part), `${basename(options.folder)}.log`);
  await compileBinding({ compiler, nodeHeaders, folder: part, logFile, env, signal });
  rmSync(scratch, { recursive: true, force: true });
  const version = await check(join(part, BINDING), options);
  const manifest: RuntimeManifest = {
    device,
    version,
    wheels: wheelNames(wheels),
    compiler: compiler.program,
    files: fileSizes(part),
  };
  writeJson(join(part, 'manifest.json'), manifest);
}

/** @throws SetupError when a step fails; nothing half-made is left behind but complete wheels. */
export async function buildRuntime(options: BuildOptions): Promise<void> {
  const { device, folder, downloads, observer } = options;
  mkdirSync(downloads, { recursive: true });
  removeFolderParts(downloads);
  observer.log(`TensorFlow ${TENSORFLOW_VERSION} for device=${device} goes to ${folder}`);
  await replaceFolder(folder, (part) => fill(part, options));
  rmSync(downloads, { recursive: true, force: true });
}
