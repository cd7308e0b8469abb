/** Typed reading of `config.json`: every field used is checked, every field not understood is an error. */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';

/** Fields that say nothing about the forward pass. */
const WITHOUT_EFFECT = new Set([
  '_name_or_path',
  '_attn_implementation_autoset',
  'architectures',
  'attention_dropout',
  'auto_map',
  'bos_token_id',
  'chunk_size_feed_forward',
  'dtype',
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
  'return_dict',
  'rope_interleaved',
  'torch_dtype',
  'transformers.js_config',
  'transformers_version',
  'unk_token_id',
  'use_cache',
]);

export class ConfigFields {
  readonly file: string;
  private readonly values: JsonRow;
  private readonly used = new Set<string>();

  constructor(file: string, values: JsonRow) {
    this.file = file;
    this.values = values;
  }

  raw(key: string): unknown {
    this.used.add(key);
    return this.values[key] ?? undefined;
  }

  number(key: string, fallback?: number): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.wrong(key, value, 'a number');
  }

  positiveInteger(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (Number.isInteger(value) && value > 0) return value;
    throw this.wrong(key, value, 'a positive integer');
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.raw(key) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.wrong(key, value, 'true or false');
  }

  /** The field must be absent or one of `accepted`; returns it. */
  oneOf<T extends string | number | boolean | null>(key: string, accepted: readonly T[]): T {
    const value = this.raw(key) ?? accepted[0];
    if (accepted.includes(value as T)) return value as T;
    throw this.wrong(key, value, accepted.map((item) => JSON.stringify(item)).join(' or '));
  }

  object(key: string): JsonRow | null {
    const value = this.raw(key);
    if (value === undefined) return null;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as JsonRow;
    }
    throw this.wrong(key, value, 'an object');
  }

  wrong(key: string, value: unknown, expected: string): InputError {
    return new InputError({
      where: this.file,
      problem: `field "${key}" is ${JSON.stringify(value) ?? 'missing'}, expected ${expected}`,
      remedy: 'Lorikeet refuses what it does not understand rather than guess',
    });
  }

  /** Call last: throws on the first field that nobody read and that is not known to be harmless. */
  rejectUnread(): void {
    for (const [key, value] of Object.entries(this.values)) {
      if (value === null || this.used.has(key) || WITHOUT_EFFECT.has(key)) continue;
      throw new InputError({
        where: this.file,
        problem: `field "${key}" (${JSON.stringify(value).slice(0, 80)}) is not understood for model_type "${String(this.values.model_type)}"`,
        remedy: 'Lorikeet refuses what it does not understand rather than guess',
      });
    }
  }
}
