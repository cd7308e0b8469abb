/** The file `.env` of the current folder: variables, keys of services above all, that are not set yet. */
import { statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { readText } from '../util/utf8.js';

/**
 * Sets what `path` has and `env` lacks; an empty variable counts as set. Without the file nothing happens; a folder of
 * that name, as a Python environment may have, is none.
 * @throws InputError where it cannot be read, or is not UTF-8
 */
export function readEnvFile(path: string, env: Record<string, string | undefined>): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return;
  for (const [name, value] of Object.entries(parseEnv(readText(path)))) {
    env[name] ??= value;
  }
}
