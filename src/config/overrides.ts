/** `key=value` with dotted keys, and `--some-key v`, which means the same. */
import { z } from 'zod';
import { InputError } from '../util/errors.js';
import { schemaAt, unwrap } from './introspect.js';
import { ownPath } from './key-names.js';
import type { Layer } from './layer.js';
import { Untyped } from './untyped.js';

const KEY_VALUE = /^[A-Za-z_][\w-]*(\.[\w-]+)*=/;

interface ReferenceKind {
  readonly form: RegExp;
  readonly remedy: string;
}

const ENVIRONMENT: ReferenceKind = {
  form: /\$\{env:[^}]*\}?/,
  remedy: 'Write "$NAME", in double quotes, which the shell replaces',
};

const OF_PIPELINES: ReferenceKind = {
  form: /\$\{(?:(?:root|run)(?=:-|\})|(?:vars|stages|grid)\.)[^}]*\}?/,
  remedy: 'Write the value',
};

function refuseReference(override: string, { form, remedy }: ReferenceKind): void {
  const [reference] = form.exec(override.slice(override.indexOf('='))) ?? [];
  if (reference === undefined) return;
  const problem = `${override}: references such as ${reference} are read in files alone`;
  throw new InputError({ where: 'command line', problem, remedy });
}

/** @throws InputError on what files of `run` and `sweep` refer to, and other commands take for text */
export const refusePipelineReference = (override: string): void =>
  refuseReference(override, OF_PIPELINES);

/** One override as a layer of its own. @throws InputError when it is not `key=value`. */
export function overrideLayer(override: string): Layer {
  if (!KEY_VALUE.test(override)) throw unreadable(override);
  refuseReference(override, ENVIRONMENT);
  const split = override.indexOf('=');
  const path = override.slice(0, split).split('.');
  const value = path.reduceRight<unknown>(
    (below, key) => ({ [key]: below }),
    new Untyped(override.slice(split + 1)),
  );
  return { value: value as Record<string, unknown>, where: () => 'command line' };
}

const unreadable = (word: string): InputError =>
  new InputError({
    where: 'command line',
    problem: `cannot read ${JSON.stringify(word)}`,
    remedy: 'Write key=value',
  });

/** `key = value`, which a shell gives as three words. */
function spacedOut(words: readonly string[], at: number): InputError {
  const [key = 'key', value = 'value'] = [words[at - 1], words[at]?.slice(1) || words[at + 1]];
  return new InputError({
    where: 'command line',
    problem: `${JSON.stringify(words[at])} stands by itself`,
    remedy: `Write ${key}=${value}, without spaces`,
  });
}

interface Arguments {
  /** Words that are neither `key=value` nor `--some-key v`: a file, a name. */
  readonly positionals: readonly string[];
  /** `key=value`, with `--some-key v` rewritten to it. */
  readonly overrides: readonly string[];
}

/**
 * Splits command-line words. A bare `--some-key` of a boolean field means true; so does one that the
 * command does not have, whose refusal then says why.
 */
export function splitArguments(schema: z.core.$ZodType, words: readonly string[]): Arguments {
  const positionals: string[] = [];
  const overrides: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word.startsWith('=')) throw spacedOut(words, i);
    if (!word.startsWith('--')) {
      (KEY_VALUE.test(word) ? overrides : positionals).push(word);
      continue;
    }
    const [name = '', ...rest] = word.slice(2).split('=');
    if (name === '') throw unreadable(word);
    const key = name.replaceAll('-', '_');
    if (rest.length > 0) overrides.push(`${key}=${rest.join('=')}`);
    else if (isBareFlag(schema, key, words[i + 1])) overrides.push(`${key}=true`);
    else overrides.push(`${key}=${valueAfter(word, words[++i])}`);
  }
  return { positionals, overrides };
}

const isValue = (word: string | undefined): word is string =>
  word !== undefined && !word.startsWith('--');

function isBareFlag(schema: z.core.$ZodType, key: string, next: string | undefined): boolean {
  const field = schemaAt(schema, ownPath(schema, key) ?? key.split('.'));
  if (field === undefined) return !isValue(next);
  const isBoolean = unwrap(field).core instanceof z.ZodBoolean;
  return isBoolean && !(next === 'true' || next === 'false');
}

function valueAfter(option: string, value: string | undefined): string {
  if (isValue(value)) return value;
  throw new InputError({
    where: 'command line',
    problem: `${option} has no value`,
    remedy:
      value === undefined ? `Write ${option} VALUE` : `Write ${option} VALUE or ${option}=VALUE`,
  });
}
