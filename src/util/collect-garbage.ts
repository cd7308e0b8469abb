/**
 * Frees buffers that nothing refers to any more. V8 knows what they take, yet it collects them in the pauses of the
 * event loop: in work without pauses, as the reading of a model is, up to half of its heap's limit piles up.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes that may wait for their collection, which takes some milliseconds. */
const MOST_WAITING = 2 ** 26;

let waiting = 0;
let collect: (() => void) | undefined;

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

/** To be called before a buffer of so many bytes is made that will soon be let go. */
export function collectBefore(bytes: number): void {
  if (waiting > 0 && waiting + bytes > MOST_WAITING) collectGarbage();
  waiting += bytes;
}

/** Takes as long as the heap is large, some milliseconds: for the end of what made large buffers. */
export function collectGarbage(): void {
  collect ??= collector();
  collect();
  waiting = 0;
}
