/** Compiles tfjs-node's binding against TensorFlow's libraries. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BINDING, NAPI_VERSION, STDERR_CAPTURE, tfjsPackageDir } from '../tensor/runtime.js';
import { SetupError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import type { Env } from '../util/programs.js';
import { failureOf, runChild } from './child.js';
import type { Compiler } from './tools.js';

const nativeSource = (name: string) => fileURLToPath(new URL(`./native/${name}`, import.meta.url));

/** TensorFlow's shared libraries inside its wheel's `tensorflow/` folder. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

export interface CompileOptions {
  readonly compiler: Compiler;
  /** Folder with `node_api.h`. */
  readonly nodeHeaders: string;
  /** Runtime folder: has `tensorflow/`, receives the binding. */
  readonly folder: string;
  /** Where the compiler's output goes when it fails. */
  readonly logFile: string;
  readonly env: Env;
  readonly signal: AbortSignal | undefined;
}

interface Module {
  /** File name of the module in the runtime folder. */
  readonly name: string;
  readonly sources: readonly string[];
  readonly libraries: readonly string[];
}

function modules(): readonly Module[] {
  const source = join(tfjsPackageDir(), 'binding');
  const backend = [join(source, 'tfjs_backend.cc'), join(source, 'tfjs_binding.cc')];
  return [
    { name: STDERR_CAPTURE, sources: [nativeSource('stderr-capture.cc')], libraries: [] },
    { name: BINDING, sources: [...backend, nativeSource('log-level.cc')], libraries: LIBRARIES },
  ];
}

function compilerArguments(module: Module, options: CompileOptions): string[] {
  const tensorflow = join(options.folder, 'tensorflow');
  return [
    ...options.compiler.args,
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w'],
    ...[`-DNAPI_VERSION=${NAPI_VERSION}`, '-DBUILDING_NODE_EXTENSION'],
    ...[`-DNODE_GYP_MODULE_NAME=${module.name.replace('.node', '')}`, '-D_GLIBCXX_USE_CXX11_ABI=1'],
    ...[`-I${options.nodeHeaders}`, `-I${join(tensorflow, 'include')}`],
    ...module.sources,
    ...module.libraries.map((name) => join(tensorflow, name)),
    // The old kind of run path, which LD_LIBRARY_PATH with another TensorFlow does not override.
    ...['-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN/tensorflow'],
    ...['-o', join(options.folder, module.name)],
  ];
}

/** Compiles the binding and the module that loads it quietly. @throws SetupError with the compiler's complaint. */
export async function compileBinding(options: CompileOptions): Promise<void> {
  for (const module of modules()) await compileModule(module, options);
}

async function compileModule(module: Module, options: CompileOptions): Promise<void> {
  const { compiler, env, signal, folder, logFile } = options;
  const args = compilerArguments(module, options);
  const result = await runChild(compiler.program, args, { env, cwd: folder, signal });
  if (result.code === 0) return;
  const command = `${compiler.program} ${args.join(' ')}`;
  writeFileAtomic(logFile, `${command}\n${result.stdout}${result.stderr}`);
  throw new SetupError({
    where: compiler.program,
    problem: `cannot compile ${module.name} (${failureOf(result)})`,
    remedy: `See ${logFile}; a compiler with C++17 is needed (g++ 9, clang 10 or newer), CXX names another one`,
  });
}
