/** What a written key stands for: the schema's own key, one by the name of another tool, or none. */
import { z } from 'zod';
import { InputError } from '../util/errors.js';
import { nearest } from '../util/nearest.js';
import type { ForeignMeaning } from './foreign-meaning.js';
import { foreignNames } from './foreign-names.js';
import { childOf, keyDocs, schemaAt, unwrap } from './introspect.js';
import type { Refusal } from './refusal.js';

/** What another tool's name means here, where that is known. */
export const foreignOf = (key: string): ForeignMeaning | undefined =>
  Object.hasOwn(foreignNames, key) ? foreignNames[key] : undefined;

/** Whether other tools use this name and its meaning here is known. */
export const isForeignName = (key: string): boolean => foreignOf(key) !== undefined;

/** The schema's own path for a key, by its own name or by that of another tool; undefined: none. */
export function ownPath(schema: z.core.$ZodType, key: string): readonly string[] | undefined {
  if (childOf(schema, key) !== undefined) return [key];
  const foreign = foreignOf(key);
  if (foreign === undefined || !('to' in foreign)) return undefined;
  return foreign.to
    .map((name) => name.split('.'))
    .find((names) => schemaAt(schema, names) !== undefined);
}

interface Place {
  readonly schema: z.core.$ZodType | undefined;
  /** Path of the mapping that holds the key. */
  readonly path: readonly string[];
}

/** Where the reason of a refusal says what to use. */
const PROPOSAL = /\b(?:use|give|set)\b.*/i;

/** Why a key that the schema does not have is refused, and what to use. */
export function refusal(key: string, at: Place, where: string): Refusal {
  const field = [...at.path, key].join('.');
  const foreign = foreignOf(key);
  if (foreign !== undefined && 'refused' in foreign) {
    const reason = reasonOf(foreign, at);
    const error = new InputError({ where, problem: `${field}: ${reason}` });
    return { error, about: `${field} ${PROPOSAL.exec(reason)?.[0] ?? ''}` };
  }
  if (isNested(at.schema as z.core.$ZodType, key.split('.'))) {
    const [problem, remedy] = [`a mapping has no dotted keys, and ${field} is one`, nested(key)];
    return { error: new InputError({ where, problem, remedy }), about: field };
  }
  const known = keyDocs(at.schema as z.core.$ZodType).map((doc) => doc.key);
  // a mapping has no line of its own there, and its name may be what was meant
  const near = nearest(key, new Set(known.flatMap((name) => [name.split('.')[0] ?? '', name])));
  const inside = `${at.path.join('.')}.`;
  const named = foreign?.to.find((name) => name.startsWith(inside));
  const meant = named ?? (near === undefined ? null : [...at.path, near].join('.'));
  const error = new InputError({
    where,
    problem: `unknown key ${JSON.stringify(field)}`,
    remedy: meant === null ? listOf(known) : `The nearest known key is ${JSON.stringify(meant)}`,
  });
  return { error, about: `${field} ${meant ?? ''}` };
}

/** Whether the path leads through mappings alone: what is in a list has no key. */
function isNested(schema: z.core.$ZodType, path: readonly string[]): boolean {
  const above = path.map((_, length) => schemaAt(schema, path.slice(0, length)));
  const isInList = above.some((part) => part && unwrap(part).core instanceof z.ZodArray);
  return !isInList && schemaAt(schema, path) !== undefined;
}

/** @example nested('lora.r') // 'Write lora: {r: VALUE}' */
function nested(key: string): string {
  const names = key.split('.');
  const inner = names.slice(1).reduceRight((below, name) => `{${name}: ${below}}`, 'VALUE');
  return `Write ${names[0]}: ${inner}`;
}

function reasonOf({ refused, use }: { refused: string; use?: string }, { schema }: Place): string {
  if (use === undefined) return refused;
  const isKnown = schema !== undefined && schemaAt(schema, [use]) !== undefined;
  return `${refused}. ${isKnown ? `Use ${use}` : 'Leave it out'}`;
}

/** So many keys are named where none resembles the one that was written. */
const MOST_NAMED = 12;

function listOf(known: readonly string[]): string {
  if (known.length === 0) return 'There are no keys here';
  if (known.length <= MOST_NAMED) return `Known keys are ${known.join(', ')}`;
  return "No known key resembles it; the command's --help lists all";
}
