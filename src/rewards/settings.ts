/** Settings of one reward, as its `options` in a config: read by name, typed and ranged, none left over. */
import { InputError } from '../util/errors.js';
import { isObject } from '../util/json-object.js';

export interface RewardSettings {
  /** A number in [low, high]. */
  number(key: string, fallback: number, range?: readonly [low: number, high: number]): number;
  /** One of the words. */
  word<T extends string>(key: string, words: readonly T[], fallback: T): T;
  /** A mapping; null when it is not given. */
  mapping(key: string): Readonly<Record<string, unknown>> | null;
  /** @throws InputError naming a key that no one has asked for. */
  done(): void;
}

/** @param where Name of the reward, for messages. */
export function readSettings(
  where: string,
  given: Readonly<Record<string, unknown>> = {},
): RewardSettings {
  const asked = new Set<string>();
  const fail = (key: string, expected: string): never => {
    const problem = `${key} is ${JSON.stringify(given[key])}, expected ${expected}`;
    throw new InputError({ where: `rewards.${where}.options`, problem });
  };
  const valueAt = (key: string): unknown => {
    asked.add(key);
    return given[key];
  };
  return {
    number(key, fallback, [low, high] = [-Number.MAX_VALUE, Number.MAX_VALUE]) {
      const value = valueAt(key) ?? fallback;
      if (typeof value === 'number' && value >= low && value <= high) return value;
      return fail(key, `a number from ${low} to ${high}`);
    },
    word(key, words, fallback) {
      const value = valueAt(key) ?? fallback;
      const found = words.find((word) => word === value);
      return found ?? fail(key, words.join(', '));
    },
    mapping(key) {
      const value = valueAt(key) ?? null;
      return value === null || isObject(value) ? value : fail(key, 'a mapping');
    },
    done() {
      const stray = Object.keys(given).find((key) => !asked.has(key));
      if (stray === undefined) return;
      throw new InputError({
        where: `rewards.${where}.options`,
        problem: `unknown key ${stray}`,
        remedy: asked.size === 0 ? 'It takes none' : `It takes ${[...asked].join(', ')}`,
      });
    },
  };
}
