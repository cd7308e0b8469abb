/** Checks between keys, one after the other, also where one cannot say anything. */
import type { z } from 'zod';

/** A check reads a key whose value is not known, as it is wrong itself. */
export class WrongKey extends Error {
  /** The key whose value was to be made by what was read. */
  readonly made: string | null;

  constructor(made: string | null = null) {
    super();
    this.made = made;
  }
}

/** Used with `overwrite` that makes the value of `key`: it is not known where `make` reads a wrong key. */
export const making = <Make extends (config: never) => unknown>(key: string, make: Make): Make =>
  ((config) => {
    try {
      return make(config);
    } catch (error) {
      throw error instanceof WrongKey ? new WrongKey(key) : error;
    }
  }) as Make;

type Check<Config> = (config: Config, context: z.RefinementCtx) => void;

/** What all of some checks read: the intersection. */
type ReadBy<Checks> = (
  Checks extends Check<infer Config>
    ? (config: Config) => void
    : never
) extends (config: infer All) => void
  ? All
  : never;

/** Used with `superRefine`: a check that reads a wrong key ends there, and the next one follows. */
export const inTurn =
  <Checks extends readonly Check<never>[]>(...checks: Checks): Check<ReadBy<Checks[number]>> =>
  (config, context) => {
    for (const check of checks) {
      try {
        check(config as never, context);
      } catch (error) {
        if (!(error instanceof WrongKey)) throw error;
      }
    }
  };
