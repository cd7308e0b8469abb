/** Compiles the native modules beside TensorFlow's libraries. */
import { join } from 'node:path';
import {
  bindingModule,
  MODULE_FLAGS,
  type NativeModule,
  stderrCaptureModule,
} from '../tensor/binding/modules.js';
import { SetupError } from '../util/errors.js';
import { type CompilerCall, runCompiler } from './shared-library.js';

/** TensorFlow's shared libraries inside its wheel's `tensorflow/` folder. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

interface CompileOptions extends CompilerCall {
  /** Folder with `node_api.h`. */
  readonly nodeHeaders: string;
  /** Runtime folder: has `tensorflow/`, receives the modules. */
  readonly folder: string;
}

interface LinkedModule extends NativeModule {
  readonly libraries: readonly string[];
}

const modules = (): readonly LinkedModule[] => [
  { ...stderrCaptureModule(), libraries: [] },
  { ...bindingModule(), libraries: LIBRARIES },
];

function compilerArguments(module: LinkedModule, options: CompileOptions): string[] {
  const tensorflow = join(options.folder, 'tensorflow');
  return [
    ...MODULE_FLAGS,
    `-DNODE_GYP_MODULE_NAME=${module.name}`,
    ...[`-I${options.nodeHeaders}`, `-I${join(tensorflow, 'include')}`],
    ...module.sources,
    ...module.libraries.map((name) => join(tensorflow, name)),
    // The old kind of run path, which LD_LIBRARY_PATH with another TensorFlow does not override.
    ...['-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN/tensorflow'],
    ...['-o', join(options.folder, module.file)],
  ];
}

/** @returns File names of the modules. @throws SetupError with the compiler's complaint. */
export async function compileModules(options: CompileOptions): Promise<string[]> {
  const made = modules();
  for (const module of made) await compileModule(module, options);
  return made.map(({ file }) => file);
}

async function compileModule(module: LinkedModule, options: CompileOptions): Promise<void> {
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
