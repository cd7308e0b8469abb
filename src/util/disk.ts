/** Folders and files that cannot be made: the error says which, why, and what to do. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError, LorikeetError, messageOf, RunError } from './errors.js';

const ELSEWHERE = 'Choose another place, or make this one writable';

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/**
 * Makes a folder and those above it, one by one: Node's recursive `mkdirSync` never returns where the
 * parent exists and answers ENOENT, as /proc does.
 * @returns those that it made, the deepest first
 * @throws InputError when one of them cannot be made
 */
export function makeFolder(path: string): readonly string[] {
  const folder = resolve(path);
  if (isFolder(folder)) return [];
  const above = dirname(folder) === folder ? [] : makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
    return [folder, ...above];
  } catch (error) {
    if (isFolder(folder)) return above;
    const parts = {
      where: folder,
      problem: `the folder cannot be made (${messageOf(error)})`,
      remedy: ELSEWHERE,
    };
    throw new InputError(parts, { cause: error });
  }
}

/**
 * Whether a folder could be made, without making it: what of its path is there is a folder to write in.
 * @throws InputError naming the part that is not
 */
export function checkFolderPlace(path: string): void {
  const folder = resolve(path);
  if (!existsSync(folder) && dirname(folder) !== folder) {
    checkFolderPlace(dirname(folder));
    return;
  }
  const fail = (problem: string) => new InputError({ where: folder, problem, remedy: ELSEWHERE });
  if (!isFolder(folder)) throw fail('is a file, not a folder');
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fail(`cannot be written in (${messageOf(error)})`);
  }
}

/** Whether an error of writing says that there is no room. */
export const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Whether an error of writing says that one may not. */
export const isClosed = (error: unknown): boolean =>
  ['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');

/**
 * What stands for an error of writing `path`: an InputError where it may not be written, else a RunError. Errors
 * that have a remedy already stay as they are.
 */
export function notWritten(path: string, error: unknown): Error {
  if (error instanceof LorikeetError) return error;
  const parts = {
    where: path,
    problem: `cannot be written (${messageOf(error)})`,
    remedy: isFull(error) ? 'Make room on the disk' : ELSEWHERE,
  };
  return isClosed(error)
    ? new InputError(parts, { cause: error })
    : new RunError(parts, { cause: error });
}

/** What `work` gives, which writes `path`. @throws what `notWritten` says of an error of it */
export function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw notWritten(path, error);
  }
}
