/** The file `.env` of the current folder: variables, keys of services above all, that are not set yet. */
import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * Sets what `path` has and `env` lacks; an empty variable counts as set. Without the file nothing happens; a folder of
 * that name, as a Python environment may have, is none.
 */
export function readEnvFile(path: string, env: Record<string, string | undefined>): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return;
  for (const [name, value] of Object.entries(parseEnv(readFileSync(path, 'utf8')))) {
    env[name] ??= value;
  }
}
