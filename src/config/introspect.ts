/** Reads a schema back: the field at a path, what it expects in words, its default and doc line. */
import { z } from 'zod';

/** A schema of one command: a strict object of snake_case keys. */
export type ConfigSchema = z.ZodObject;

interface Unwrapped {
  readonly core: z.core.$ZodType;
  readonly isNullable: boolean;
  readonly doc: string;
}

const docOf = (schema: z.core.$ZodType): string => z.globalRegistry.get(schema)?.description ?? '';

/** Strips defaults and nullability; the outermost doc line wins. */
export function unwrap(schema: z.core.$ZodType): Unwrapped {
  let core = schema;
  let isNullable = false;
  let doc = docOf(core);
  while (
    core instanceof z.ZodDefault ||
    core instanceof z.ZodPrefault ||
    core instanceof z.ZodNullable ||
    core instanceof z.ZodOptional
  ) {
    isNullable ||= core instanceof z.ZodNullable;
    core = core.unwrap();
    doc ||= docOf(core);
  }
  return { core, isNullable, doc };
}

/** The schema under one key or index of a schema, or undefined where there is none. */
export function childOf(schema: z.core.$ZodType, key: string): z.core.$ZodType | undefined {
  const { core } = unwrap(schema);
  if (core instanceof z.ZodObject)
    return Object.hasOwn(core.shape, key) ? core.shape[key] : undefined;
  if (core instanceof z.ZodArray) return core.element;
  if (core instanceof z.ZodRecord) return core.valueType;
  if (core instanceof z.ZodUnion)
    return core.options.map((option) => childOf(option, key)).find((child) => child !== undefined);
  return undefined;
}

/** The schema at a path, or undefined. */
export function schemaAt(
  schema: z.core.$ZodType,
  path: readonly string[],
): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = schema;
  for (const key of path) here = here && childOf(here, key);
  return here;
}

/** What a schema declares of a field by `meta`. */
interface Declared {
  /** Words that it takes, beside others. */
  readonly choices?: readonly unknown[];
  /** Names of files that it takes beside its words. */
  readonly files?: RegExp;
  /** A path; pipelines hash what an `input` names. */
  readonly path?: 'input' | 'other';
  /** What it takes, in words. */
  readonly expected?: string;
  /** Expands short forms: `dataset: gsm8k`. */
  readonly shorthand?: (value: string) => Record<string, unknown>;
  /** Other tools' words and the values they stand for: TRL's `max_steps=-1` is null. */
  readonly same?: Readonly<Record<string, unknown>>;
  /** Why a value that a reader may well expect is none, and what to use. */
  readonly refused?: Readonly<Record<string, string>>;
}

export const declaredOf = (schema: z.core.$ZodType): Declared =>
  (z.globalRegistry.get(unwrap(schema).core) ?? {}) as Declared;

/** Whether a text of this field, or of one of its alternatives, is a path. */
export function takesPath(schema: z.core.$ZodType): boolean {
  const { core } = unwrap(schema);
  return (
    declaredOf(core).path !== undefined ||
    (core instanceof z.ZodUnion && core.options.some(takesPath))
  );
}

/** The checks of a schema, as far as they bound numbers, lengths and forms. */
interface Check {
  readonly check: string;
  readonly value?: number;
  readonly inclusive?: boolean;
  readonly minimum?: number;
  readonly pattern?: RegExp;
}

const checksOf = (core: { def: { checks?: z.core.$ZodCheck[] | undefined } }): Check[] =>
  (core.def.checks ?? []).map((check) => check._zod.def as Check);

function expectedNumber(schema: z.ZodNumber): string {
  const bounds = checksOf(schema).flatMap(({ check, value, inclusive }) => {
    if (check !== 'greater_than' && check !== 'less_than') return [];
    return `${check === 'greater_than' ? '>' : '<'}${inclusive ? '=' : ''} ${value}`;
  });
  return `${schema.isInt ? 'whole number' : 'number'} ${bounds.join(' and ')}`.trimEnd();
}

function expectedText(schema: z.ZodString): string {
  const pattern = checksOf(schema).find((check) => check.pattern !== undefined)?.pattern;
  return pattern === undefined ? 'text' : `text matching ${pattern}`;
}

function expectedMapping({ valueType }: z.ZodRecord): string {
  return valueType instanceof z.ZodUnknown ? 'mapping' : `mapping to ${expected(valueType)}`;
}

/** The keys of a mapping. */
export const mappingOf = ({ shape }: z.ZodObject): string => `{${Object.keys(shape).join(', ')}}`;

function expectedList(schema: z.ZodArray): string {
  const minimum = checksOf(schema).find((check) => check.check === 'min_length')?.minimum ?? 0;
  const { core } = unwrap(schema.element);
  const inner = core instanceof z.ZodObject ? mappingOf(core) : expected(schema.element);
  return minimum > 1 ? `list of at least ${minimum} (${inner})` : `list of ${inner}`;
}

/** What a field takes, in words: `number > 0`, `auto, cpu or cuda`, `list of text`. */
export function expected(schema: z.core.$ZodType): string {
  const { core, isNullable } = unwrap(schema);
  return isNullable ? `${expectedCore(core)} or null` : expectedCore(core);
}

function expectedCore(core: z.core.$ZodType): string {
  const { expected: words } = declaredOf(core);
  if (words !== undefined) return words;
  if (core instanceof z.ZodNumber) return expectedNumber(core);
  if (core instanceof z.ZodBoolean) return 'true or false';
  if (core instanceof z.ZodEnum) return alternatives(core.options.map(String));
  if (core instanceof z.ZodLiteral) return alternatives([...core.values].map(String));
  if (core instanceof z.ZodUnion) return alternatives(core.options.map(expected));
  if (core instanceof z.ZodArray) return expectedList(core);
  if (core instanceof z.ZodString) return expectedText(core);
  if (core instanceof z.ZodRecord) return expectedMapping(core);
  if (core instanceof z.ZodObject) return 'mapping';
  return 'text';
}

function alternatives(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

/** One line of a command's key list. */
export interface KeyDoc {
  /** Dotted. */
  readonly key: string;
  readonly type: string;
  /** Undefined when the key is required. */
  readonly default: unknown;
  readonly isRequired: boolean;
  readonly doc: string;
}

interface KeyDocOptions {
  readonly prefix?: string;
  /** Also the keys of a list's mappings, as `rewards[].name`. */
  readonly intoLists?: boolean;
}

/** Every key of a schema, dotted, in the order of the schema. */
export function keyDocs(
  schema: z.core.$ZodType,
  { prefix = '', intoLists = false }: KeyDocOptions = {},
): KeyDoc[] {
  const { core } = unwrap(schema);
  if (!(core instanceof z.ZodObject)) return [];
  return Object.entries(core.shape as Record<string, z.core.$ZodType>).flatMap(([name, field]) => {
    const key = prefix + name;
    const { core: inner, isNullable, doc } = unwrap(field);
    const parsed = z.safeParse(field, undefined);
    const own: KeyDoc = {
      key,
      type: expected(field),
      default: parsed.data,
      isRequired: !parsed.success,
      doc,
    };
    if (inner instanceof z.ZodArray && intoLists) {
      return [own, ...keyDocs(inner.element, { prefix: `${key}[].`, intoLists })];
    }
    const nested = keyDocs(inner, { prefix: `${key}.`, intoLists });
    return inner instanceof z.ZodObject && !isNullable ? nested : [own, ...nested];
  });
}
