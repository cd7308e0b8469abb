/** The constraint of a JSON schema, which keeps the schema so that another process can make the same. */
import type { SchemaSource, TokenConstraint } from '../types.js';
import { schemaGrammar } from './json-schema.js';
import { type ConstraintVocabulary, tokenConstraint } from './token-constraint.js';

/** @throws InputError as `schemaGrammar` and `tokenConstraint` */
export function schemaConstraint(
  source: SchemaSource,
  vocabulary: ConstraintVocabulary,
): TokenConstraint {
  const { schema, isCompact } = source;
  return { ...tokenConstraint(schemaGrammar(schema, { isCompact }), vocabulary), source };
}
