/** Git LFS leaves a pointer, a few lines of text, where it has not fetched a file. */
import { InputError } from './errors.js';

const POINTER = Buffer.from('version https://git-lfs.github.com/spec/');

/** @param start the first bytes of the file at `path`. @throws InputError where they are a pointer's */
export function assertFetched(path: string, start: Uint8Array): void {
  if (!POINTER.equals(start.subarray(0, POINTER.length))) return;
  throw new InputError({
    where: path,
    problem: 'is a pointer of Git LFS in place of the file itself',
    remedy: 'Run git lfs pull in its folder, or download the file',
  });
}
