/** Files that are written in pieces beside their place and appear in it only when they are whole. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder, notWritten } from './disk.js';
import { filePlace, placeOf } from './file-place.js';
import { leftParts } from './left-parts.js';

export type Append = (bytes: Uint8Array) => void;

/** One write call takes at most 2 GiB. */
const WRITE_BYTES = 1 << 30;

/**
 * What `write` appends becomes the file: synced, then renamed, so that readers see the old file or the new one.
 * @throws InputError when it is no file, its folder cannot be made, or it may not be written; RunError when writing fails
 */
export function writePieces(path: string, write: (append: Append) => void): void {
  const part = openPart(path);
  try {
    write(part.append);
    part.finish();
  } catch (error) {
    throw part.failed(error);
  }
}

/** `writePieces` for pieces that take their time. */
export async function writePiecesSlowly(
  path: string,
  write: (append: Append) => Promise<void>,
): Promise<void> {
  const part = openPart(path);
  try {
    await write(part.append);
    part.finish();
  } catch (error) {
    throw part.failed(error);
  }
}

/** Where a file is written until it takes its place: its name, the process, and a name of the call. */
export const partPath = (path: string): string =>
  `${path}.${process.pid}.${randomUUID().slice(0, 8)}.part`;

/** What `partPath` puts behind a name. */
const PART = /\.(\d+)\.[0-9a-f]{8}\.part$/;

/**
 * Deletes what processes that were killed while they wrote have left in a folder, of the files named. What another
 * living process writes stays, and what cannot be deleted. For whoever holds the lock on them.
 */
export function removeParts(folder: string, isOwn?: (name: string) => boolean): void {
  try {
    for (const name of leftParts(folder, PART, isOwn)) {
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  } catch {}
}

/** The same for files wherever they lie, or what they link to. */
export function removePartsOf(files: readonly string[]): void {
  for (const file of files.map(placeOf)) {
    removeParts(dirname(file), (name) => name === basename(file));
  }
}

function openPart(name: string) {
  const path = filePlace(name);
  makeFolder(dirname(path));
  const part = partPath(path);
  let descriptor: number | null = null;
  const close = () => {
    if (descriptor !== null) closeSync(descriptor);
    descriptor = null;
  };
  return {
    append: (bytes: Uint8Array) => {
      descriptor ??= openSync(part, 'w');
      for (let done = 0; done < bytes.byteLength; ) {
        done += writeSync(descriptor, bytes, done, Math.min(bytes.byteLength - done, WRITE_BYTES));
      }
    },
    finish: () => {
      descriptor ??= openSync(part, 'w');
      fsyncSync(descriptor);
      close();
      renameSync(part, path);
    },
    /** Takes back what was written. Where that fails, too, the error of writing is still the one to tell. */
    failed: (error: unknown): Error => {
      for (const undo of [close, () => rmSync(part, { force: true })]) {
        try {
          undo();
        } catch {}
      }
      return notWritten(path, error);
    },
  };
}
