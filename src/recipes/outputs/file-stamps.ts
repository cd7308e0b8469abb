/** Names, sizes and times of files: what tells at no cost whether a folder still holds the same. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** In the order of the names. */
export function fileStamps(
  dir: string,
  isWanted: (name: string) => boolean,
): readonly (string | number)[] {
  const names = readdirSync(dir).filter(isWanted);
  return names.sort().flatMap((name) => {
    const { size, mtimeMs } = statSync(join(dir, name));
    return [name, size, mtimeMs];
  });
}
