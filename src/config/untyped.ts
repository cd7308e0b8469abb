/**
 * Text from the command line or the environment, whose type the field decides: `run_name=123` is
 * text, `seed=123` a number, `stop=[a, b]` a list.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { unwrap } from './introspect.js';

export class Untyped {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A YAML value, or the text itself where it is no YAML. */
function parseLoosely(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

const takesText = (core: z.core.$ZodType): boolean =>
  core instanceof z.ZodString || core instanceof z.ZodEnum;

/** The value that a field of this schema reads from a text; undefined schema: plain YAML. */
export function typed(text: string, schema: z.core.$ZodType | undefined): unknown {
  if (schema === undefined) return parseLoosely(text);
  const { core, isNullable } = unwrap(schema);
  if (isNullable && /^(null|~)$/.test(text)) return null;
  // Nothing is no text, and an error elsewhere: an unset variable of a shell is not to lift a limit.
  if (text === '') return isNullable && takesText(core) ? null : text;
  if (takesText(core)) return /^(".*"|'.*')$/s.test(text) ? String(parseLoosely(text)) : text;
  return parseLoosely(text);
}
