/**
 * `${reference:-default}` in texts. The reference is looked up by the caller (`env:NAME` for the
 * environment); the default stands in for a missing or empty value and may hold references itself;
 * `$${` is a literal `${`.
 */
import { InputError, InputErrors } from '../util/errors.js';
import { isObject } from '../util/json-object.js';
import type { Refusal } from './refusal.js';
import { Untyped } from './untyped.js';

/** Value of a reference; undefined when it is not set. Throws on a reference of unknown form. */
export type Lookup = (reference: string, where: string) => unknown;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The next `${…}` at or after `from`, braces balanced. */
function nextReference(text: string, from: number, where: string): Span | undefined {
  let start = text.indexOf('${', from);
  while (start > 0 && text[start - 1] === '$') start = text.indexOf('${', start + 2);
  if (start < 0) return undefined;
  let depth = 0;
  for (let end = start + 1; end < text.length; end++) {
    if (text[end] === '{') depth++;
    if (text[end] === '}' && --depth === 0) return { start, end: end + 1 };
  }
  throw new InputError({
    where,
    problem: `unclosed reference ${JSON.stringify(text.slice(start, start + 40))}`,
    remedy: 'Close it with }, or write $${ for a literal ${',
  });
}

const asText = (value: unknown): string =>
  value instanceof Untyped ? value.text : typeof value === 'string' ? value : JSON.stringify(value);

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (value instanceof Untyped && value.text === '');

interface Reading {
  readonly lookup: Lookup;
  readonly where: string;
  /** What is wrong with references, which then stand for nothing. */
  readonly errors: InputError[];
}

function resolveReference(body: string, reading: Reading): unknown {
  const { lookup, where } = reading;
  const split = body.indexOf(':-');
  const reference = split < 0 ? body : body.slice(0, split);
  const value = lookup(reference, where);
  if (!isEmpty(value)) return value;
  if (split >= 0) return interpolateText(body.slice(split + 2), reading) ?? '';
  if (reference === 'env:') {
    const remedy = `Write \${env:NAME} or \${env:NAME:-VALUE}`;
    throw new InputError({ where, problem: `\${${body}} names nothing`, remedy });
  }
  throw new InputError({
    where,
    problem: `\${${reference}} is not set`,
    remedy: reference.startsWith('env:')
      ? `Set the environment variable ${reference.slice(4)} or give a default: \${${reference}:-VALUE}`
      : `Set it or give a default: \${${reference}:-VALUE}`,
  });
}

/** The text with references resolved: a text that holds one becomes `Untyped` or its whole value. */
function interpolateText(text: string, reading: Reading): unknown {
  const parts: unknown[] = [];
  let at = 0;
  for (;;) {
    const span = nextReference(text, at, reading.where);
    if (span === undefined) break;
    if (span.start > at) parts.push(text.slice(at, span.start).replaceAll('$${', '${'));
    const body = text.slice(span.start + 2, span.end - 1);
    const value = kept(reading.errors, () => resolveReference(body, reading));
    parts.push(typeof value === 'string' ? new Untyped(value) : value);
    at = span.end;
  }
  const rest = text.slice(at).replaceAll('$${', '${');
  if (parts.length === 0) return rest;
  if (parts.length === 1 && rest === '') return parts[0];
  return new Untyped(parts.map(asText).join('') + rest);
}

/** What `read` gives; nothing where it throws an error of the input, which is kept. */
function kept(errors: InputError[], read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    errors.push(error);
    return '';
  }
}

interface Interpolated {
  /** Texts whose references cannot be resolved are undefined, or gone where they are a key's value. */
  readonly value: unknown;
  readonly refused: readonly Refusal[];
}

/** Resolves references in every text of a tree. `where` locates a path for error messages. */
export function interpolated(
  value: unknown,
  lookup: Lookup,
  where: (path: readonly string[]) => string,
): Interpolated {
  const refused: Refusal[] = [];
  const visit = (part: unknown, path: readonly string[]): unknown => {
    if (typeof part === 'string') {
      const errors: InputError[] = [];
      const about = path.join('.');
      const reading = { lookup, where: `${where(path)}: ${about}`, errors };
      const text = kept(errors, () => interpolateText(part, reading));
      refused.push(...errors.map((error) => ({ error, about })));
      return errors.length > 0 ? undefined : text;
    }
    if (Array.isArray(part)) return part.map((child, i) => visit(child, [...path, String(i)]));
    if (!isObject(part) || part instanceof Untyped) return part;
    const entries = Object.entries(part).map(
      ([key, child]) => [key, visit(child, [...path, key])] as const,
    );
    return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
  };
  return { value: visit(value, []), refused };
}

/** The same tree with all references resolved. @throws InputError for all that are not set, or cannot be read */
export function interpolateTree(...given: Parameters<typeof interpolated>): unknown {
  const { value, refused } = interpolated(...given);
  if (refused.length > 0) throw InputErrors.of(refused.map(({ error }) => error));
  return value;
}

/** Looks up `env:NAME`; any other reference is an error. */
export function environmentLookup(env: Readonly<Record<string, string | undefined>>): Lookup {
  return (reference, where) => {
    if (reference.startsWith('env:')) return env[reference.slice(4)];
    throw new InputError({
      where,
      problem: `unknown reference \${${reference}}`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax it explains
      remedy: 'Use ${env:NAME} or ${env:NAME:-default}, or write $${ for a literal ${',
    });
  };
}
