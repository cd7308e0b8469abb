/** The key `response_format`, in OpenAI's spelling → a constraint on tokens, or none. */
import { schemaConstraint, type TokenConstraint } from '../../rollout/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { RecentlyUsed } from '../../util/recently-used.js';

const TYPES = ['text', 'json_object', 'json_schema'];

/** Compiled formats that are kept. */
const KEPT_FORMATS = 16;

interface ConstraintOptions {
  /** JSON without white space, for answers that no one reads. */
  readonly isCompact?: boolean;
}

/** `responseConstraint`, compiled once for each format, as long as it is among those asked for last. */
export function keptConstraints(options: ConstraintOptions = {}) {
  const kept = new RecentlyUsed<TokenConstraint | null>(KEPT_FORMATS);
  return (format: JsonRow | null, tokenizer: Tokenizer): TokenConstraint | null =>
    kept.get(JSON.stringify([tokenizer.dir, format]), () =>
      responseConstraint(format, tokenizer, options),
    );
}

/** @throws InputError on a format of another type, or a schema that is not supported */
export function responseConstraint(
  format: JsonRow | null,
  tokenizer: Tokenizer,
  { isCompact = false }: ConstraintOptions = {},
): TokenConstraint | null {
  const schema = format === null ? undefined : schemaOf(format);
  if (schema === undefined) return null;
  const vocabulary = { tokenBytes: tokenizer.tokenBytes(), endIds: tokenizer.eosIds };
  return schemaConstraint({ schema, isCompact }, vocabulary);
}

/** Undefined for any text. */
function schemaOf({ type, json_schema: wrapped, ...others }: JsonRow): unknown {
  const other = Object.keys(others)[0];
  if (!TYPES.includes(type as string) || other !== undefined) {
    throw new InputError({
      where: 'response_format',
      problem:
        other === undefined
          ? `type ${JSON.stringify(type) ?? '(missing)'} is none of ${TYPES.join(', ')}`
          : `it has an unknown field "${other}"`,
      remedy: 'Give {type: json_schema, json_schema: {schema: {…}}}',
    });
  }
  if (type === 'text') return undefined;
  if (type === 'json_object') return { type: 'object' };
  const schema = (wrapped as JsonRow | null | undefined)?.schema;
  if (schema !== undefined) return schema;
  throw new InputError({
    where: 'response_format.json_schema',
    problem: 'there is no schema in it',
    remedy: 'Give {type: json_schema, json_schema: {schema: {…}}}',
  });
}
