/** Where a file comes to lie that is written under a name: a link stays, and what it leads to is written. */
import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from './errors.js';

/** As many links as the system follows on the way to a file. */
const MOST_LINKS = 40;

/** Its one name, links followed, also to a file that is not there yet. @throws InputError where they lead back */
export function placeOf(path: string): string {
  const follow = (name: string, links: number): string => {
    if (links > MOST_LINKS) {
      throw new InputError({
        where: path,
        problem: 'goes by a link that leads back to itself',
        remedy: 'Delete the link, or give another path',
      });
    }
    try {
      return realpathSync(name);
    } catch {
      const folder = follow(dirname(name), links);
      const target = linkAt(name);
      return target === null
        ? join(folder, basename(name))
        : follow(resolve(folder, target), links + 1);
    }
  };
  return follow(resolve(path), 0);
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
