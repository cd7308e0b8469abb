/**
 * Builds a TensorFlow runtime: wheels → libraries and headers → binding → a product really computed. All of
 * it happens in a folder beside the final one, which gets its name by one rename when everything is there.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bindingModule } from '../tensor/binding/modules.js';
import { type Device, type RuntimeManifest, TENSORFLOW_VERSION } from '../tensor/runtime.js';
import { removeFolderParts, replaceFolder } from '../util/atomic-folder.js';
import { SetupError } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import { TRAINING_DRIVER } from './card-requirements.js';
import { compileModules, LIBRARIES } from './compile.js';
import { findNodeHeaders, headerFolders } from './node-headers.js';
import type { StepContext } from './observer.js';
import { probeBinding } from './probe.js';
import type { Compiler, Python } from './tools.js';
import { requirementsOf, unpack } from './unpack.js';
import { fetchWheels, type WheelSource, wheelNames } from './wheels.js';

export interface ModulesOptions extends StepContext {
  readonly device: Device;
  /** The card that CUDA is tried on, as CUDA_VISIBLE_DEVICES names it; null: none. */
  readonly card: string | null;
  /** The final folder. */
  readonly folder: string;
  readonly python: Python;
  readonly compiler: Compiler;
}

export interface BuildOptions extends ModulesOptions {
  /** Where complete wheels wait. */
  readonly downloads: string;
  readonly source: WheelSource;
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

const sizesOf = (folder: string, names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size]));

function libraryFiles(folder: string): string[] {
  const nvidia = readdirSync(folder).includes('nvidia')
    ? readdirSync(join(folder, 'nvidia'), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.so(\.\d+)*$/.test(name))
        .map((name) => join('nvidia', name))
    : [];
  return [...LIBRARIES.map((name) => join('tensorflow', name)), ...HEADERS, ...nvidia];
}

async function check(binding: string, options: ModulesOptions): Promise<string> {
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

interface MadeModules {
  /** TensorFlow's, by the binding. */
  readonly version: string;
  readonly compiler: string;
  readonly sizes: Readonly<Record<string, number>>;
}

/** Compiles the modules into a folder that has the libraries, and tries them. */
async function makeModules(part: string, options: ModulesOptions): Promise<MadeModules> {
  const { folder, python, compiler, env, observer, signal } = options;
  const scratch = join(part, 'node-headers');
  const folders = headerFolders(process.execPath, env);
  const search = { folders, scratch, env };
  const nodeHeaders = await findNodeHeaders(search, { python, observer, signal });
  observer.log(`compiling the binding with ${compiler.program}`);
  const call = { compiler, nodeHeaders, folder: part, logFile: `${folder}.log`, env, signal };
  const files = await compileModules(call);
  rmSync(scratch, { recursive: true, force: true });
  const version = await check(join(part, bindingModule().file), options);
  return { version, compiler: compiler.program, sizes: sizesOf(part, files) };
}

const writeManifest = (folder: string, manifest: RuntimeManifest): void =>
  writeJson(join(folder, 'manifest.json'), manifest);

async function fill(part: string, options: BuildOptions): Promise<void> {
  const { device, python, observer, signal } = options;
  const wheels = await allWheels(options);
  for (const wheel of wheels) {
    await unpack(wheel, { folder: part, prefixes: PREFIXES }, { python, observer, signal });
  }
  const { sizes, ...made } = await makeModules(part, options);
  const files = { ...sizesOf(part, libraryFiles(part)), ...sizes };
  writeManifest(part, { device, wheels: wheelNames(wheels), ...made, files });
}

/** Makes the modules anew, from other sources than those in a runtime whose libraries are whole. */
export async function renewModules(
  manifest: RuntimeManifest,
  options: ModulesOptions,
): Promise<void> {
  const { sizes, ...made } = await makeModules(options.folder, options);
  writeManifest(options.folder, { ...manifest, ...made, files: { ...manifest.files, ...sizes } });
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
