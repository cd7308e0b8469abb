/** Typed reading of `config.json`: every field used is checked, every field not understood is an error. */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';

/** Fields that say nothing about the forward pass; dropout is left out of training on purpose. */
const WITHOUT_EFFECT = new Set([
  '_name_or_path',
  '_attn_implementation_autoset',
  'architectures',
  'attention_dropout',
  'attn_implementation',
  'auto_map',
  'bos_token_id',
  'cache_implementation',
  'chunk_size_feed_forward',
  'dtype',
  'embd_pdrop',
  'eos_token_id',
  'id2label',
  'initializer_range',
  'is_decoder',
  'is_encoder_decoder',
  'is_llama_config',
  'label2id',
  'max_window_layers',
  'model_type',
  'output_attentions',
  'output_hidden_states',
  'pad_token_id',
  'pretraining_tp',
  'resid_pdrop',
  'return_dict',
  'torch_dtype',
  'transformers.js_config',
  'transformers_version',
  'unk_token_id',
  'unsloth_fixed',
  'unsloth_version',
  'use_cache',
]);

const REMEDY = 'Lorikeet refuses what it does not understand rather than guess';

export class ConfigFields {
  readonly file: string;
  private readonly values: JsonRow;
  /** Leads to an object inside the file, e.g. `rope_scaling.`; empty for the file itself. */
  private readonly path: string;
  private readonly used = new Set<string>();
  private readonly inner: ConfigFields[] = [];

  constructor(file: string, values: JsonRow, path = '') {
    this.file = file;
    this.values = values;
    this.path = path;
  }

  /** The value, or undefined where the field is missing or null. */
  raw(key: string): unknown {
    this.used.add(key);
    return this.values[key] ?? undefined;
  }

  number(key: string, fallback?: number): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.wrong(key, value, 'a number');
  }

  positive(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (value > 0) return value;
    throw this.wrong(key, value, 'a number above 0');
  }

  nonNegative(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (value >= 0) return value;
    throw this.wrong(key, value, 'a number of at least 0');
  }

  positiveInteger(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (Number.isInteger(value) && value > 0) return value;
    throw this.wrong(key, value, 'a positive integer');
  }

  /** An integer of at least 0. */
  wholeNumber(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (Number.isInteger(value) && value >= 0) return value;
    throw this.wrong(key, value, 'an integer of at least 0');
  }

  /** A number above 0, or null where the field says null; `fallback` only where it is missing. */
  positiveOrNull(key: string, fallback: number | null): number | null {
    const value = this.values[key] === undefined ? fallback : this.raw(key);
    this.used.add(key);
    return value === undefined || value === null ? null : this.positive(key, fallback ?? undefined);
  }

  /** The same for a whole number. */
  positiveIntegerOrNull(key: string, fallback: number | null): number | null {
    const value = this.positiveOrNull(key, fallback);
    if (value === null || Number.isInteger(value)) return value;
    throw this.wrong(key, value, 'a positive integer or null');
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.raw(key) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.wrong(key, value, 'true or false');
  }

  text(key: string, fallback: string): string {
    const value = this.raw(key) ?? fallback;
    if (typeof value === 'string') return value;
    throw this.wrong(key, value, 'a string');
  }

  /** The field must be absent or one of `accepted`, of which the first is its default; returns it. */
  oneOf<T extends string | number | boolean>(key: string, accepted: readonly T[]): T {
    const value = this.raw(key) ?? accepted[0];
    if (accepted.includes(value as T)) return value as T;
    throw this.wrong(key, value, accepted.map((item) => JSON.stringify(item)).join(' or '));
  }

  /** A list of `length` numbers, or null where the field is absent. */
  numbers(key: string, length: number): readonly number[] | null {
    return this.list(key, length, (item): item is number => typeof item === 'number');
  }

  /** A list of `length` of the `accepted` words, or null where the field is absent. */
  words<T extends string>(
    key: string,
    length: number,
    accepted: readonly T[],
  ): readonly T[] | null {
    return this.list(key, length, (item): item is T => accepted.includes(item as T));
  }

  private list<T>(key: string, length: number, isItem: (item: unknown) => item is T): T[] | null {
    const value = this.raw(key);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.length === length && value.every(isItem)) return value;
    throw this.wrong(key, value, `a list of ${length} known values`);
  }

  /** The fields of an object, or null where there is none. They count for `rejectUnread` too. */
  nested(key: string): ConfigFields | null {
    const value = this.raw(key);
    if (value === undefined) return null;
    if (!isObject(value)) {
      throw this.wrong(key, value, 'an object');
    }
    const fields = new ConfigFields(this.file, value, `${this.path}${key}.`);
    this.inner.push(fields);
    return fields;
  }

  /** No fields, for what reads from an object that is absent. */
  none(): ConfigFields {
    return new ConfigFields(this.file, {}, this.path);
  }

  wrong(key: string, value: unknown, expected: string): InputError {
    const found = value === undefined ? 'missing' : shown(value);
    const problem = `field "${this.path}${key}" is ${found}, expected ${expected}`;
    return new InputError({ where: this.file, problem, remedy: REMEDY });
  }

  /** Call last: throws on the first field that nobody read and that is not known to be harmless. */
  rejectUnread(): void {
    for (const [key, value] of Object.entries(this.values)) {
      const isHarmless = this.path === '' && WITHOUT_EFFECT.has(key);
      if (value === null || this.used.has(key) || isHarmless) continue;
      const field = `"${this.path}${key}" (${shown(value)})`;
      throw new InputError({
        where: this.file,
        problem: `field ${field} is not understood for this model_type`,
        remedy: REMEDY,
      });
    }
    for (const fields of this.inner) fields.rejectUnread();
  }
}
