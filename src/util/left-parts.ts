/** What processes that were killed while they wrote have left beside the place of a file or folder. */
import { namesIn } from './names-in.js';
import { isRunning } from './process-identity.js';

/**
 * Names of it in a folder, also of what this process has left; none of what another living process writes.
 * @param part The end of a part's name, with the process in it
 * @param isOwn By the name without that end
 */
export function leftParts(
  folder: string,
  part: RegExp,
  isOwn: (name: string) => boolean = () => true,
): string[] {
  return namesIn(folder).filter((name) => {
    const pid = Number(part.exec(name)?.[1]);
    if (Number.isNaN(pid) || !isOwn(name.replace(part, ''))) return false;
    return pid === process.pid || !isRunning(pid);
  });
}
