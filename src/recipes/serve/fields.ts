/** Reads the fields of a request's body one by one; null is as good as absent. What nobody has read is unknown. */
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { nearest } from '../../util/nearest.js';
import { shown } from '../../util/shown.js';
import { fieldError } from './api-error.js';

export interface NumberRange {
  readonly min: number;
  readonly max?: number;
  /** `min` itself is not allowed. */
  readonly isOpen?: boolean;
}

export class Fields {
  private readonly body: JsonRow;
  /** What names are told with, e.g. `stream_options.`. */
  private readonly prefix: string;
  private readonly read = new Set<string>();

  constructor(body: JsonRow, prefix = '') {
    this.body = body;
    this.prefix = prefix;
  }

  raw(name: string): unknown {
    this.read.add(name);
    return this.body[name] ?? undefined;
  }

  number(name: string, { min, max = Number.POSITIVE_INFINITY, isOpen = false }: NumberRange) {
    return this.typed(name, `a number ${isOpen ? '>' : '>='} ${min}${below(max)}`, isNumber, (x) =>
      isOpen ? x > min && x <= max : x >= min && x <= max,
    );
  }

  whole(name: string, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) {
    const bounds = min === Number.MIN_SAFE_INTEGER ? ' below 2^53' : ` >= ${min}`;
    const top = max === Number.MAX_SAFE_INTEGER ? '' : below(max);
    return this.typed(
      name,
      `a whole number${bounds}${top}`,
      isNumber,
      (x) => Number.isSafeInteger(x) && x >= min && x <= max,
    );
  }

  boolean(name: string): boolean | undefined {
    return this.typed(name, 'true or false', (x) => typeof x === 'boolean');
  }

  text(name: string): string | undefined {
    return this.typed(name, 'a text', (x) => typeof x === 'string');
  }

  mapping(name: string): JsonRow | undefined {
    return this.typed(name, 'an object', (x): x is JsonRow => isObject(x));
  }

  /** The fields of an object, which are read and finished like these. */
  nested(name: string): Fields | undefined {
    const value = this.mapping(name);
    return value && new Fields(value, `${this.prefix}${name}.`);
  }

  /** A text, or a list of them. */
  texts(name: string): readonly string[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (list.every((text): text is string => typeof text === 'string')) return list;
    throw this.error(name, `${shown(value)} is neither a text nor a list of texts`);
  }

  /** Fields that mean nothing here, and do no harm. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.read.add(name);
  }

  /** Fields that would change the answer, but cannot; `neutral` values change nothing. */
  refuse(name: string, why: string, neutral: readonly unknown[] = []): void {
    const value = this.raw(name);
    if (value === undefined || neutral.includes(value)) return;
    throw this.error(name, `${shown(value)} is not supported: ${why}`, 'Leave it out');
  }

  /** @throws ApiError for a field that was not read */
  finish(): void {
    const unknown = Object.keys(this.body).find((name) => !this.read.has(name));
    if (unknown === undefined) return;
    const known = [...this.read].filter(({ length }) => length > 1);
    const near = nearest(unknown, known);
    const remedy = near === undefined ? 'Leave it out' : `The nearest known field is ${near}`;
    throw this.error(unknown, 'there is no such field', remedy);
  }

  private error(name: string, problem: string, remedy?: string) {
    return fieldError(this.prefix + name, problem, remedy);
  }

  private typed<T>(
    name: string,
    expected: string,
    isOfType: (value: unknown) => value is T,
    isAllowed: (value: T) => boolean = () => true,
  ): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (isOfType(value) && isAllowed(value)) return value;
    throw this.error(name, `${shown(value)} is not ${expected}`);
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

const below = (max: number): string => (Number.isFinite(max) ? ` and <= ${max}` : '');
