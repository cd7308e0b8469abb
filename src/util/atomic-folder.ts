/** Folders that are filled beside their place and take it by renaming when they are whole. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder, writing } from './disk.js';
import { placeOf } from './file-place.js';
import { leftParts } from './left-parts.js';
import { namesIn } from './names-in.js';

/** Of a folder, or a file, that this process makes. */
export const partName = (name = ''): string => `${name}part-${process.pid}`;

/** What `partName` puts behind a name; `.old`: what it is to replace. */
const PART = /(?:^|[.])part-(\d+)(?:[.]old)?$/;

/**
 * What `fill` puts into the folder that it is given becomes `target`, or what that links to. A former one stays until
 * then, and is moved aside first: programs that run may still use its files. What killed processes have left of it goes.
 * @throws what `fill` throws: nothing half-made is left; what `notWritten` says where the folder cannot be made
 */
export async function replaceFolder<T>(
  target: string,
  fill: (part: string) => Promise<T>,
): Promise<T> {
  const folder = placeOf(target);
  const part = partName(`${folder}.`);
  const old = `${part}.old`;
  makeFolder(dirname(folder));
  removeFolderParts(dirname(folder), (name) => name === basename(folder));
  try {
    makeFolder(part);
    const made = await fill(part);
    writing(folder, () => {
      if (existsSync(folder)) renameSync(folder, old);
      renameSync(part, folder);
    });
    rmSync(old, { recursive: true, force: true });
    return made;
  } catch (error) {
    takeBack(folder, { part, old });
    throw error;
  }
}

/** Where that fails, too, the error of writing is still the one to tell. */
function takeBack(folder: string, { part, old }: { part: string; old: string }): void {
  try {
    if (existsSync(old) && !existsSync(folder)) renameSync(old, folder);
    rmSync(part, { recursive: true, force: true });
  } catch {}
}

/** Whether a folder that was to be replaced was moved aside, and its place left empty by a process that was killed. */
export function isAside(target: string): boolean {
  const folder = placeOf(target);
  if (existsSync(folder)) return false;
  return namesIn(dirname(folder)).some(
    (name) =>
      name.endsWith('.old') && PART.test(name) && name.replace(PART, '') === basename(folder),
  );
}

/** Deletes a folder: nothing of it is left under its name, whenever the process is killed. */
export function removeFolder(folder: string): void {
  const part = partName(`${folder}.`);
  renameSync(folder, part);
  rmSync(part, { recursive: true, force: true });
}

/** Clears the parts that processes which were killed, or this one, have left in a folder, of the names given. */
export function removeFolderParts(folder: string, isOwn?: (name: string) => boolean): void {
  clearFolderParts(folder, leftParts(folder, PART, isOwn));
}

/** Deletes parts by their names. What was moved aside takes its place again where nothing has taken it. */
export function clearFolderParts(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const [left, target] = [join(folder, name), join(folder, name.replace(PART, ''))];
    if (name.endsWith('.old') && !existsSync(target)) renameSync(left, target);
    else rmSync(left, { recursive: true, force: true });
  }
}
