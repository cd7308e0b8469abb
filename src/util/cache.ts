/** The folder where set-up keeps what it provides. */
import { join, resolve } from 'node:path';
import { homeFolder } from './home.js';

/** `$LORIKEET_CACHE`, else `$XDG_CACHE_HOME/lorikeet`, else `~/.cache/lorikeet`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LORIKEET_CACHE) return resolve(env.LORIKEET_CACHE);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), 'lorikeet');
  return join(homeFolder(), '.cache', 'lorikeet');
}
