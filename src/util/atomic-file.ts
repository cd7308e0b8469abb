/** Files that are written in pieces beside their place and appear in it only when they are whole. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder, notWritten } from './disk.js';
import { leftParts } from './left-parts.js';

export type Append = (bytes: Uint8Array) => void;

/** One write call takes at most 2 GiB. */
const WRITE_BYTES = 1 << 30;

/**
 * What `write` appends becomes the file: synced, then renamed, so that readers see the old file or the new one.
 * @throws InputError when its folder cannot be made or it may not be written, RunError when writing fails
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

/** Behind the name of a file, while it is written: the process, and a name of the call. */
const PART = /\.(\d+)\.[0-9a-f]{8}\.part$/;

/**
 * Deletes what processes that were killed while they wrote have left in a folder, of the files named. What another
 * living process writes stays. For whoever holds the lock on them.
 */
export function removeParts(folder: string, isOwn?: (name: string) => boolean): void {
  for (const name of leftParts(folder, PART, isOwn)) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function openPart(path: string) {
  makeFolder(dirname(path));
  const part = `${path}.${process.pid}.${randomUUID().slice(0, 8)}.part`;
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
