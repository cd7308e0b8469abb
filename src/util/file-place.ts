/** Where a file comes to lie that is written under a name: a link stays, and what it leads to is written. */
import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { InputError } from './errors.js';

/** Its one name, links followed, also one to a file that is not there yet. */
export function placeOf(path: string): string {
  const full = resolve(path);
  try {
    return realpathSync(full);
  } catch {
    return resolve(placeOf(dirname(full)), linkAt(full) ?? basename(full));
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** `placeOf` a file. @throws InputError where something else is there: a pipe or a device would be replaced by a file */
export function filePlace(path: string): string {
  if (existsSync(path)) {
    const found = statSync(path);
    if (!found.isFile()) {
      throw new InputError({
        where: path,
        problem: found.isDirectory() ? 'is a folder' : 'is a pipe or a device, not a file',
        remedy: 'Give the path of a file',
      });
    }
  }
  return placeOf(path);
}
