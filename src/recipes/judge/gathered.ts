/** Single calls that wait together become one call for all. */
import { setImmediate } from 'node:timers/promises';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param run Results in the order of the items, all of one key; one call at a time.
 * @returns the single call. It fails with the call that it became part of.
 */
export function gathered<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  keyOf: (item: Item) => string,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isRunning = false;

  const takeAlike = (): readonly Waiting<Item, Result>[] => {
    const key = keyOf(waiting[0]!.item);
    const alike = waiting.filter(({ item }) => keyOf(item) === key);
    waiting = waiting.filter(({ item }) => keyOf(item) !== key);
    return alike;
  };
  const drain = async (): Promise<void> => {
    isRunning = true;
    await setImmediate();
    while (waiting.length > 0) {
      const now = takeAlike();
      try {
        const results = await run(now.map(({ item }) => item));
        for (const [i, { resolve }] of now.entries()) resolve(results[i]!);
      } catch (error) {
        for (const { reject } of now) reject(error);
      }
    }
    isRunning = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isRunning) void drain();
    });
}
