/**
 * `${reference:-default}` in texts. The reference is looked up by the caller (`env:NAME` for the
 * environment); the default stands in for a missing or empty value and may hold references itself;
 * `$${` is a literal `${`.
 */
import { InputError } from '../util/errors.js';
import { isObject } from '../util/json-object.js';
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

function resolveReference(body: string, lookup: Lookup, where: string): unknown {
  const split = body.indexOf(':-');
  const reference = split < 0 ? body : body.slice(0, split);
  const value = lookup(reference, where);
  if (!isEmpty(value)) return value;
  if (split >= 0) return interpolateText(body.slice(split + 2), lookup, where) ?? '';
  throw new InputError({
    where,
    problem: `\${${reference}} is not set`,
    remedy: reference.startsWith('env:')
      ? `Set the environment variable ${reference.slice(4)} or give a default: \${${reference}:-VALUE}`
      : `Set it or give a default: \${${reference}:-VALUE}`,
  });
}

/** The text with references resolved: a text that holds one becomes `Untyped` or its whole value. */
function interpolateText(text: string, lookup: Lookup, where: string): unknown {
  const parts: unknown[] = [];
  let at = 0;
  for (;;) {
    const span = nextReference(text, at, where);
    if (span === undefined) break;
    if (span.start > at) parts.push(text.slice(at, span.start).replaceAll('$${', '${'));
    const value = resolveReference(text.slice(span.start + 2, span.end - 1), lookup, where);
    parts.push(typeof value === 'string' ? new Untyped(value) : value);
    at = span.end;
  }
  const rest = text.slice(at).replaceAll('$${', '${');
  if (parts.length === 0) return rest;
  if (parts.length === 1 && rest === '') return parts[0];
  return new Untyped(parts.map(asText).join('') + rest);
}

/** Resolves references in every text of a tree. `where` locates a path for error messages. */
export function interpolateTree(
  value: unknown,
  lookup: Lookup,
  where: (path: readonly string[]) => string,
  path: readonly string[] = [],
): unknown {
  if (typeof value === 'string') return interpolateText(value, lookup, where(path));
  const below = (child: unknown, key: string) =>
    interpolateTree(child, lookup, where, [...path, key]);
  if (Array.isArray(value)) return value.map((child, index) => below(child, String(index)));
  if (!isObject(value) || value instanceof Untyped) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, below(child, key)] as const),
  );
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
