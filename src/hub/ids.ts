/** Names on the hub: repository ids, their folder names in the cache, and file patterns. */

export type RepoKind = 'model' | 'dataset';

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/**
 * Whether `text` has the form of a hub id: `name` or `owner/name`, letters, digits, `.`, `_`, `-`,
 * at most 96 characters, no `--` or `..`. It says nothing about a local folder of that name; whoever
 * accepts both looks for the folder first.
 * @example isHubId('openai/gsm8k') // true
 * @example isHubId('./model') // false
 */
export function isHubId(text: string): boolean {
  const parts = text.split('/');
  if (parts.length > 2 || text.length > 96 || text.includes('--') || text.includes('..'))
    return false;
  return parts.every((part) => NAME.test(part));
}

/** `models--openai--gpt` and `datasets--openai--gsm8k`, as the hub's own clients name them. */
export function cacheFolderName(kind: RepoKind, id: string): string {
  return [`${kind}s`, ...id.split('/')].join('--');
}

/** Whether a repository path stays inside its folder on every system. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.includes('\\') || path.includes('\0')) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function toRegExp(pattern: string): RegExp {
  const body = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const glob = body.replace(/\*\*\/|\*\*|\*/g, (stars) =>
    stars === '*' ? '[^/]*' : stars === '**' ? '.*' : '(?:.*/)?',
  );
  return new RegExp(`^${glob}$`);
}

/** Tests paths against glob patterns: `*` within a folder, `**` across folders. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map(toRegExp);
  return (path) => tests.some((test) => test.test(path));
}
