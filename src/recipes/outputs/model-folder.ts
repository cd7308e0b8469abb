/** A model folder as a command's output: what may be replaced, and writing it whole. */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkFolderPlace } from '../../util/disk.js';
import { InputError } from '../../util/errors.js';

/** @throws InputError when it cannot be written, or holds something that is not to be replaced. */
export function checkModelFolder(output: string, overwrite: boolean): void {
  checkFolderPlace(dirname(resolve(output)));
  if (!existsSync(output)) return;
  const isFolder = statSync(output).isDirectory();
  if (isFolder && readdirSync(output).length === 0) return;
  if (!overwrite) {
    throw new InputError({
      where: 'output',
      problem: `${output} is in use`,
      remedy: 'Give overwrite=true to replace it, or another output',
    });
  }
  if (isFolder && existsSync(join(output, 'config.json'))) return;
  throw new InputError({
    where: 'output',
    problem: `${output} is not a model folder, so it is not replaced`,
    remedy: 'Give another output',
  });
}

/** Writes beside `output` and renames, so that the folder is always whole. */
export async function writeModelFolder<T>(
  output: string,
  write: (part: string) => Promise<T>,
): Promise<T> {
  const part = `${resolve(output)}.part`;
  rmSync(part, { recursive: true, force: true });
  try {
    const made = await write(part);
    rmSync(output, { recursive: true, force: true });
    renameSync(part, output);
    return made;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}
