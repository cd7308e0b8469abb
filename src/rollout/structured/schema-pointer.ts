/** JSON pointers (RFC 6901) as fragments: `#/$defs/name`. */
import type { JsonRow } from '../../util/files.js';
import { refused } from './schema-keywords.js';

export const pointerToken = (name: string): string =>
  name.replaceAll('~', '~0').replaceAll('/', '~1');

export function resolvePointer(document: unknown, ref: string, path: string): unknown {
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
