/** What a file or folder holds, as one word for hashes of what was made of it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../util/files.js';

/** Larger files are identified by size and modification time. */
const CONTENT_LIMIT = 64 * 2 ** 20;

const fileIdentity = (path: string, stats: Stats): string =>
  stats.size > CONTENT_LIMIT ? `${stats.size}@${stats.mtimeMs}` : sha256(readFileSync(path));

/** A name that is no path (a hub id) has none. */
export function pathIdentity(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 'absent';
  if (!stats.isDirectory()) return fileIdentity(path, stats);
  const hash = createHash('sha256');
  for (const name of readdirSync(path).sort())
    hash.update(`${name}\0${pathIdentity(join(path, name))}\n`);
  return hash.digest('hex');
}
