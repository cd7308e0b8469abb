/** Compiles tfjs-node's binding against TensorFlow's libraries. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BINDING, NAPI_VERSION, STDERR_CAPTURE, tfjsPackageDir } from '../tensor/runtime.js';
import { SetupError } from '../util/errors.js';
import { type CompilerCall, runCompiler } from './shared-library.js';

const nativeSource = (name: string) => fileURLToPath(new URL(`./native/${name}`, import.meta.url));

/** TensorFlow's shared libraries inside its wheel's `tensorflow/` folder. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

interface CompileOptions extends CompilerCall {
  /** Folder with `node_api.h`. */
  readonly nodeHeaders: string;
  /** Runtime folder: has `tensorflow/`, receives the binding. */
  readonly folder: string;
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
  const { compiler, env, signal, folder: cwd, logFile } = options;
  const args = compilerArguments(module, options);
  const failure = await runCompiler(args, { compiler, env, signal, cwd, logFile });
  if (failure === null) return;
  throw new SetupError({
    where: compiler.program,
    problem: `cannot compile ${module.name} (${failure})`,
    remedy: `See ${logFile}; a compiler with C++17 is needed (g++ 9, clang 10 or newer), CXX names another one`,
  });
}
