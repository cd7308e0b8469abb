/** The file `.env` of the current folder: variables, keys of services above all, that are not set yet. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** Sets what `path` has and `env` lacks; an empty variable counts as set. Without the file nothing happens. */
export function readEnvFile(path: string, env: Record<string, string | undefined>): void {
  if (!existsSync(path)) return;
  for (const [name, value] of Object.entries(parseEnv(readFileSync(path, 'utf8')))) {
    env[name] ??= value;
  }
}
