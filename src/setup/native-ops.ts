/** Compiles Lorikeet's own TensorFlow operations (`tensor/native/`) into the runtime folder. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OPS_FLAGS, opsFile, opsSource } from '../tensor/native/library.js';
import { writeFileAtomic } from '../util/files.js';
import type { Env } from '../util/programs.js';
import { failureOf, runChild } from './child.js';
import { LIBRARIES } from './compile.js';
import type { SetupObserver } from './observer.js';
import { findCompiler } from './tools.js';

export interface NativeOpsOptions {
  /** Runtime folder with `tensorflow/`. */
  readonly folder: string;
  readonly env: Env;
  readonly observer: SetupObserver;
  readonly signal: AbortSignal | undefined;
}

/**
 * Lorikeet works without these operations, more slowly: a compiler that refuses them is reported, not fatal.
 * @returns whether they are there now.
 */
export async function compileNativeOps(options: NativeOpsOptions): Promise<boolean> {
  const { folder, env, observer, signal } = options;
  const name = opsFile();
  if (existsSync(join(folder, name))) return true;
  const compiler = findCompiler(env);
  observer.log(`compiling fused operations for this processor with ${compiler.program}`);
  const part = join(folder, `${name}.part-${process.pid}`);
  const tensorflow = join(folder, 'tensorflow');
  const args = [
    ...compiler.args,
    ...OPS_FLAGS,
    `-I${join(tensorflow, 'include')}`,
    opsSource(),
    join(tensorflow, LIBRARIES[1]),
    ...['-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN/tensorflow', '-o', part],
  ];
  const result = await runChild(compiler.program, args, { env, cwd: folder, signal });
  if (result.code !== 0) {
    rmSync(part, { force: true });
    const logFile = join(folder, 'native-ops.log');
    writeFileAtomic(logFile, `${compiler.program} ${args.join(' ')}\n${result.stderr}`);
    observer.log(
      `the fused operations do not compile (${failureOf(result)}; see ${logFile}): training will be slower`,
    );
    return false;
  }
  renameSync(part, join(folder, name));
  return true;
}
