/** The checks between the keys of a schema, run where some of the keys are wrong: as far as they read none of those. */
import { z } from 'zod';
import type { ConfigSchema } from './introspect.js';
import type { Mapping } from './merge.js';
import { WrongKey } from './schemas/in-turn.js';

const guarded = (values: Mapping, wrong: ReadonlySet<string>): Mapping =>
  new Proxy(values, {
    get: (target, key) => {
      if (wrong.has(String(key))) throw new WrongKey();
      return Reflect.get(target, key);
    },
  });

/**
 * @param values Of the keys that are right, and of no other.
 * @param wrong Keys whose values are not known. A check ends where it reads one; what it has found is told.
 */
export function issuesBetween(
  schema: ConfigSchema,
  values: Mapping,
  wrong: ReadonlySet<string>,
): readonly z.core.$ZodIssue[] {
  const unknown = new Set(wrong);
  const checks = z.any().check((payload) => {
    for (const check of schema.def.checks ?? []) {
      payload.value = guarded(payload.value, unknown);
      try {
        check._zod.check(payload as z.core.ParsePayload<never>);
      } catch (error) {
        if (!(error instanceof WrongKey)) throw error;
        if (error.made !== null) unknown.add(error.made);
      }
    }
  });
  return checks.safeParse(values).error?.issues ?? [];
}
