/** What can be listed of a schema while it is being typed: the keys of one level, and the words that a field takes. */
import { z } from 'zod';
import { declaredOf, unwrap } from './introspect.js';

/** The words that a field takes, `null` included; none where it takes anything else, as a path or a number. */
export function choicesOf(schema: z.core.$ZodType): string[] {
  const { core, isNullable } = unwrap(schema);
  const words = wordsOf(core);
  return isNullable && words.length > 0 ? [...words, 'null'] : words;
}

function wordsOf(core: z.core.$ZodType): string[] {
  const { choices } = declaredOf(core);
  if (choices !== undefined) return choices.map(String);
  if (core instanceof z.ZodBoolean) return ['true', 'false'];
  if (core instanceof z.ZodEnum) return core.options.map(String);
  if (core instanceof z.ZodLiteral) return [...core.values].map(String);
  if (core instanceof z.ZodUnion) return core.options.flatMap(choicesOf);
  return [];
}

/** The keys of a mapping as they begin on the command line: `seed=`, and `lora.` where keys stand below. */
export function keysOf(schema: z.core.$ZodType): string[] {
  const { core } = unwrap(schema);
  if (!(core instanceof z.ZodObject)) return [];
  return Object.entries(core.shape as Record<string, z.core.$ZodType>).flatMap(([key, field]) => {
    const { core: inner, isNullable } = unwrap(field);
    const isDeep = inner instanceof z.ZodObject || inner instanceof z.ZodRecord;
    if (!isDeep) return [`${key}=`];
    return isNullable || declaredOf(field).shorthand !== undefined
      ? [`${key}.`, `${key}=`]
      : [`${key}.`];
  });
}
