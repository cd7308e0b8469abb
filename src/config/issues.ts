/** What a schema finds wrong with the merged values, as errors that name where each was written. */
import type { z } from 'zod';
import { InputError } from '../util/errors.js';
import { valueAt } from '../util/json-object.js';
import { expected, refusalOf, schemaAt, unwrap } from './introspect.js';
import type { Heard } from './layer.js';

interface Context {
  readonly schema: z.core.$ZodType;
  /** The values that the schema was given. */
  readonly merged: unknown;
  readonly heard: Pick<Heard, 'origins' | 'refused'>;
}

/**
 * An error for each issue. Where keys were refused, a misspelt one may be what is missing, so that only what
 * is wrong with values that are there counts.
 */
export function issueErrors(error: z.ZodError | undefined, context: Context): InputError[] {
  const issues = error?.issues ?? [];
  const { merged, heard } = context;
  const counting =
    heard.refused.length === 0
      ? issues
      : issues.filter(
          ({ code, path }) => code !== 'custom' && valueAt(merged, path.map(String)) !== undefined,
        );
  return counting.map((issue) => issueError(issue, context));
}

/** Where the value at a path, or its nearest parent, was written. */
function originOf(path: readonly string[], origins: Heard['origins']): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function issueError(issue: z.core.$ZodIssue, { schema, merged, heard }: Context): InputError {
  const path = issue.path.map(String);
  const field = path.join('.');
  const origin = originOf(path, heard.origins);
  const where = origin === undefined ? {} : { where: origin };
  if (issue.code === 'custom') {
    return new InputError({ ...where, problem: `${field}: ${issue.message}` });
  }
  const target = schemaAt(schema, path) ?? schema;
  const value = valueAt(merged, path);
  if (value === undefined) {
    const { doc } = unwrap(target);
    const hint = path.length === 1 ? `Give ${field}=… or write it in the config file` : '';
    return new InputError({
      ...where,
      problem: `required key ${field} is missing${doc === '' ? '' : ` (${doc})`}`,
      ...(hint === '' ? {} : { remedy: hint }),
    });
  }
  const refused = refusalOf(target, value);
  if (refused !== undefined) return new InputError({ ...where, problem: `${field}: ${refused}` });
  return new InputError({
    ...where,
    problem: `${field} is ${JSON.stringify(value)}, expected ${expected(target)}${value === '' ? ', not empty' : ''}`,
  });
}
