/** The folder where set-up keeps what it provides. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** `$LORIKEET_CACHE`, else `$XDG_CACHE_HOME/lorikeet`, else `~/.cache/lorikeet`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LORIKEET_CACHE) return resolve(env.LORIKEET_CACHE);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), 'lorikeet');
  return join(homedir(), '.cache', 'lorikeet');
}
