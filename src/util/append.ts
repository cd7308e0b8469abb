/** Adding to the end of files: on a full disk the error names the file and what to do. */
import { appendFileSync, writeSync } from 'node:fs';
import { writing } from './disk.js';

/** @throws InputError when the file may not be written, RunError when writing fails */
export function appendText(path: string, text: string): void {
  writing(path, () => appendFileSync(path, text));
}

/**
 * The same for a file that is open.
 * @param path Its name, for the error
 */
export function appendBytes(file: number, bytes: Uint8Array, path: string): void {
  writing(path, () => {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  });
}
