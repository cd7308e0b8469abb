/** The files and folders that a config reads, found by the mark of their fields. */
import type { z } from 'zod';
import { childOf, declaredOf, unwrap } from './introspect.js';

/** Values of the fields marked `path: 'input'`, in the order of the schema; nulls left out. */
export function inputPaths(schema: z.core.$ZodType, value: unknown): string[] {
  const { core } = unwrap(schema);
  if (typeof value === 'string') return declaredOf(core).path === 'input' ? [value] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const field = childOf(core, key);
    return field === undefined ? [] : inputPaths(field, child);
  });
}
