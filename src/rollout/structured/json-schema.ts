/**
 * JSON Schema (draft 2020-12) → a grammar of the JSON texts that are valid. What a grammar over bytes cannot
 * say, or what is not built, is refused by the name of the keyword. Members stand in the order of
 * `properties`. Without `additionalProperties`, an object with `properties` has no others.
 */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import {
  choice,
  type Expression,
  type Grammar,
  literal,
  optional,
  repeat,
  rule,
  sequence,
} from './grammar.js';
import {
  ANY,
  ANY_ARRAY,
  ANY_OBJECT,
  BOOLEAN,
  INTEGER,
  JSON_RULES,
  jsonString,
  list,
  member,
  NULL,
  NUMBER,
  otherKey,
  SPACE,
} from './json-text.js';

/** Keywords that say nothing about which texts are valid. */
const ANNOTATIONS = [
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default'],
  ...['examples', 'deprecated', 'readOnly', 'writeOnly'],
];

const TYPES = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
  integer: [],
  number: [],
  boolean: [],
  null: [],
} as const satisfies Record<string, readonly string[]>;

type TypeName = keyof typeof TYPES;

const isTypeName = (name: unknown): name is TypeName =>
  typeof name === 'string' && Object.hasOwn(TYPES, name);

/** @throws InputError naming the place in the schema and the keyword. */
export function schemaGrammar(schema: unknown): Grammar {
  return new SchemaCompiler(schema).grammar();
}

class SchemaCompiler {
  private readonly document: unknown;
  private readonly rules = new Map<string, Expression>(JSON_RULES);

  constructor(document: unknown) {
    this.document = document;
  }

  grammar(): Grammar {
    return { root: this.expression(this.document, '#'), rules: this.rules };
  }

  /** @param path JSON pointer of the schema, for messages and as the name of its rule. */
  private expression(schema: unknown, path: string): Expression {
    if (schema === true) return ANY;
    if (!isObject(schema))
      throw refused(path, `expected a schema, found ${JSON.stringify(schema)}`);
    if (schema.$ref !== undefined) return this.reference(only(schema, path, ['$ref']).$ref, path);
    if (schema.enum !== undefined) return oneOfValues(only(schema, path, ['enum', 'type']), path);
    if (schema.const !== undefined) {
      return literal(JSON.stringify(only(schema, path, ['const', 'type']).const));
    }
    if (schema.anyOf !== undefined) return this.anyOf(only(schema, path, ['anyOf']).anyOf, path);
    if (schema.allOf !== undefined) return this.allOf(only(schema, path, ['allOf']).allOf, path);
    return this.byType(schema, path);
  }

  private reference(ref: unknown, path: string): Expression {
    if (typeof ref !== 'string' || !ref.startsWith('#')) {
      throw refused(path, `$ref ${JSON.stringify(ref)} is not inside the schema (#/…)`);
    }
    if (!this.rules.has(ref)) {
      const target = resolvePointer(this.document, ref, path);
      this.rules.set(ref, sequence()); // holds the name, so that the target may refer to itself
      this.rules.set(ref, this.expression(target, ref));
    }
    return rule(ref);
  }

  private anyOf(options: unknown, path: string): Expression {
    if (!Array.isArray(options) || options.length === 0)
      throw refused(path, 'anyOf has no schemas');
    return choice(...options.map((option, i) => this.expression(option, `${path}/anyOf/${i}`)));
  }

  /** Written by generators around a single `$ref`. */
  private allOf(parts: unknown, path: string): Expression {
    if (Array.isArray(parts) && parts.length === 1) {
      return this.expression(parts[0], `${path}/allOf/0`);
    }
    throw refused(path, 'allOf of more than one schema is not supported');
  }

  private byType(schema: JsonRow, path: string): Expression {
    const types = typesOf(schema, path);
    only(schema, path, ['type', ...types.flatMap((type) => TYPES[type])]);
    if (schema.type === undefined && types.length === 0) return ANY;
    return choice(...types.map((type) => this.ofType(type, schema, path)));
  }

  private ofType(type: TypeName, schema: JsonRow, path: string): Expression {
    switch (type) {
      case 'object':
        return this.object(schema, path);
      case 'array':
        return this.array(schema, path);
      case 'string': {
        const { min, max } = bounds(schema, ['minLength', 'maxLength'], path);
        return jsonString(min, max);
      }
      case 'integer':
        return INTEGER;
      case 'number':
        return NUMBER;
      case 'boolean':
        return BOOLEAN;
      case 'null':
        return NULL;
    }
  }

  private array(schema: JsonRow, path: string): Expression {
    const { items, prefixItems } = schema;
    const { min, max } = bounds(schema, ['minItems', 'maxItems'], path);
    if (prefixItems !== undefined) return this.tuple(schema, { min, max }, path);
    if (items === undefined && min === 0 && max === null) return ANY_ARRAY;
    if (items === false) return list(['[', ']'], ANY, { max: 0 });
    const item = items === undefined ? ANY : this.expression(items, `${path}/items`);
    return list(['[', ']'], item, { min, max });
  }

  /** A fixed number of items: `prefixItems` with `items: false`, or with bounds that say so. */
  private tuple(
    { prefixItems, items }: JsonRow,
    { min, max }: { readonly min: number; readonly max: number | null },
    path: string,
  ): Expression {
    const parts = prefixItems;
    if (!Array.isArray(parts) || parts.length === 0) throw refused(path, 'prefixItems is empty');
    const isFixed = items === false || max === parts.length;
    if (!isFixed || (min !== 0 && min !== parts.length)) {
      throw refused(
        path,
        'prefixItems is supported with items: false (or as many as maxItems) only',
      );
    }
    const all = parts.map((part, i) => this.expression(part, `${path}/prefixItems/${i}`));
    const joined = all.flatMap((part, i) =>
      i === 0 ? [part] : [SPACE, literal(','), SPACE, part],
    );
    return sequence(literal('['), SPACE, ...joined, SPACE, literal(']'));
  }

  private object(schema: JsonRow, path: string): Expression {
    const { properties = {}, required = [], additionalProperties } = schema;
    if (!isObject(properties)) throw refused(path, 'properties is not an object');
    if (!Array.isArray(required)) throw refused(path, 'required is not a list');
    const names = Object.keys(properties);
    const unknown = required.find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw refused(path, `required names "${unknown}", which is not among the properties`);
    }
    const hasOthers = additionalProperties ?? names.length === 0;
    const others = hasOthers === false ? null : this.others(hasOthers, names, path);
    if (names.length === 0 && hasOthers === true) return ANY_OBJECT;
    const members = names.map((name) => ({
      isRequired: required.includes(name),
      text: member(
        literal(JSON.stringify(name)),
        this.expression(properties[name], `${path}/properties/${pointerToken(name)}`),
      ),
    }));
    return sequence(literal('{'), SPACE, this.members(members, others, path), literal('}'));
  }

  private others(schema: unknown, names: readonly string[], path: string): Expression {
    const value = this.expression(schema, `${path}/additionalProperties`);
    return member(names.length === 0 ? jsonString() : otherKey(names), value);
  }

  /**
   * Members in order, each optional unless required, then any number of others. `first[i]` is the text from
   * member i on where none stands before it, `later[i]` where one does, with its comma. Both are rules, so
   * that the grammar grows with the number of members and not with its powers.
   */
  private members(members: readonly Member[], others: Expression | null, path: string): Expression {
    const comma = sequence(SPACE, literal(','), SPACE);
    const more = others === null ? sequence() : repeat(sequence(comma, others), 0, null);
    const name = (kind: string, index: number) => `${path} ${kind} ${index}`;
    const end = members.length;
    this.rules.set(name('later', end), sequence(more, SPACE));
    this.rules.set(
      name('first', end),
      others === null ? sequence() : optional(sequence(others, more, SPACE)),
    );
    for (const [i, { text, isRequired }] of members.entries()) {
      const rest = rule(name('later', i + 1));
      const skip = (kind: string) => (isRequired ? [] : [rule(name(kind, i + 1))]);
      this.rules.set(name('first', i), choice(sequence(text, rest), ...skip('first')));
      this.rules.set(name('later', i), choice(sequence(comma, text, rest), ...skip('later')));
    }
    return rule(name('first', 0));
  }
}

interface Member {
  readonly text: Expression;
  readonly isRequired: boolean;
}

function refused(path: string, problem: string): InputError {
  return new InputError({ where: `response_format schema ${path}`, problem });
}

function isObject(value: unknown): value is JsonRow {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @throws InputError naming the first keyword that is none of these and no annotation. */
function only(schema: JsonRow, path: string, keywords: readonly string[]): JsonRow {
  for (const key of Object.keys(schema)) {
    if (keywords.includes(key) || ANNOTATIONS.includes(key)) continue;
    throw refused(path, `the keyword "${key}" is not supported here`);
  }
  return schema;
}

/** Declared types, or those that the keywords speak of; none where any value may stand. */
function typesOf(schema: JsonRow, path: string): readonly TypeName[] {
  const { type } = schema;
  if (type === undefined) {
    const names = Object.keys(TYPES) as TypeName[];
    return names.filter((name) => TYPES[name].some((key) => schema[key] !== undefined));
  }
  const types = Array.isArray(type) ? type : [type];
  const bad = types.find((name) => !isTypeName(name));
  if (bad !== undefined || types.length === 0) {
    throw refused(
      path,
      `type ${JSON.stringify(bad ?? type)} is none of ${Object.keys(TYPES).join(', ')}`,
    );
  }
  return types as TypeName[];
}

function oneOfValues({ enum: values, type }: JsonRow, path: string): Expression {
  if (!Array.isArray(values) || values.length === 0) throw refused(path, 'enum has no values');
  const types = type === undefined ? null : typesOf({ type }, path);
  const fitting = values.filter((value) => types === null || types.some((t) => isOfType(value, t)));
  if (fitting.length > 0) return choice(...fitting.map((value) => literal(JSON.stringify(value))));
  throw refused(path, `no value of enum is of type ${JSON.stringify(type)}`);
}

function isOfType(value: unknown, type: TypeName): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function bounds(
  schema: JsonRow,
  [low, high]: readonly [string, string],
  path: string,
): { readonly min: number; readonly max: number | null } {
  const [min, max] = [count(schema, low, path) ?? 0, count(schema, high, path)];
  if (max !== null && min > max) throw refused(path, `${low} ${min} is more than ${high} ${max}`);
  return { min, max };
}

/** Longest repetition that is counted. */
const MAX_COUNT = 10_000;

function count(schema: JsonRow, key: string, path: string): number | null {
  const value = schema[key];
  if (value === undefined) return null;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT) {
    return value as number;
  }
  throw refused(path, `${key} is ${JSON.stringify(value)}, expected 0 to ${MAX_COUNT}`);
}

const pointerToken = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function resolvePointer(document: unknown, ref: string, path: string): unknown {
  const tokens = ref
    .slice(1)
    .split('/')
    .slice(1)
    .map((token) => decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~'));
  const target = tokens.reduce<unknown>(
    (here, token) => (here === undefined ? undefined : (here as JsonRow | null)?.[token]),
    document,
  );
  if (target !== undefined) return target;
  throw refused(path, `$ref ${ref} leads nowhere`);
}
