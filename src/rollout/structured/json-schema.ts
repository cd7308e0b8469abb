/**
 * JSON Schema (draft 2020-12) → a grammar of the JSON texts that are valid. What a grammar over bytes cannot
 * say, or what is not built, is refused by the name of the keyword. Members stand in the order of
 * `properties`. Without `additionalProperties`, an object with `properties` has no others.
 */
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { choice, type Expression, type Grammar, literal, rule, sequence } from './grammar.js';
import {
  ANY,
  ANY_ARRAY,
  ANY_OBJECT,
  BOOLEAN,
  jsonRules,
  jsonString,
  list,
  member,
  NULL,
  otherKey,
  SPACE,
} from './json-text.js';
import { membersInOrder } from './object-members.js';
import { numberOf, oneOfValues } from './scalars.js';
import { bounds, only, refused, TYPES, type TypeName, typesOf } from './schema-keywords.js';
import { pointerToken, resolvePointer } from './schema-pointer.js';

/**
 * @param options.isCompact Only texts without white space between their parts.
 * @throws InputError naming the place in the schema and the keyword.
 */
export function schemaGrammar(
  schema: unknown,
  { isCompact = false }: { readonly isCompact?: boolean } = {},
): Grammar {
  return new SchemaCompiler(schema, isCompact).grammar();
}

class SchemaCompiler {
  private readonly document: unknown;
  private readonly rules: Map<string, Expression>;

  constructor(document: unknown, isCompact: boolean) {
    this.document = document;
    this.rules = new Map(jsonRules({ isCompact }));
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
      case 'number':
        return numberOf(type, schema, path);
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
    const inOrder = membersInOrder(members, others, { path, rules: this.rules });
    return sequence(literal('{'), SPACE, inOrder, literal('}'));
  }

  private others(schema: unknown, names: readonly string[], path: string): Expression {
    const value = this.expression(schema, `${path}/additionalProperties`);
    return member(names.length === 0 ? jsonString() : otherKey(names), value);
  }
}
