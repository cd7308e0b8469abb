/** What processes that were killed while they wrote have left beside the place of a file or folder. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from './process-identity.js';

/**
 * Deletes it, also what this process has left. What another living process writes stays.
 * @param part The end of a part's name, with the process in it
 * @param isOwn By the name without that end
 */
export function removeLeft(
  folder: string,
  part: RegExp,
  isOwn: (name: string) => boolean = () => true,
): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = Number(part.exec(name)?.[1]);
    if (Number.isNaN(pid) || !isOwn(name.replace(part, ''))) continue;
    if (pid !== process.pid && isRunning(pid)) continue;
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}
