/** Compiles Lorikeet's own TensorFlow operations (`tensor/native/`) into the runtime folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OPS_FLAGS, opsFile, opsSource } from '../tensor/native/library.js';
import { LIBRARIES } from './compile.js';
import type { StepContext } from './observer.js';
import { compileLibrary } from './shared-library.js';
import { findCompiler } from './tools.js';

interface NativeOpsOptions extends StepContext {
  /** Runtime folder with `tensorflow/`. */
  readonly folder: string;
}

/**
 * Lorikeet works without these operations, more slowly: a compiler that refuses them is reported, not fatal.
 * @returns whether they are there now.
 */
export async function compileNativeOps(options: NativeOpsOptions): Promise<boolean> {
  const { folder, env, observer, signal } = options;
  const library = join(folder, opsFile());
  if (existsSync(library)) return true;
  const compiler = findCompiler(env);
  observer.log(`compiling fused operations for this processor with ${compiler.program}`);
  const tensorflow = join(folder, 'tensorflow');
  const args = [
    ...OPS_FLAGS,
    `-I${join(tensorflow, 'include')}`,
    opsSource(),
    join(tensorflow, LIBRARIES[1]),
    ...['-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN/tensorflow'],
  ];
  const logFile = join(folder, 'native-ops.log');
  const refusal = await compileLibrary({ compiler, args, library, logFile, env, signal });
  if (refusal === null) return true;
  observer.log(`the fused operations do not compile (${refusal}): training will be slower`);
  return false;
}
