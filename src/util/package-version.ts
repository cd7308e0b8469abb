/** The versions of this package and of those that it uses. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const versionIn = (path: string | URL): string =>
  (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;

/** Of Lorikeet. */
export const ownVersion = (): string => versionIn(new URL('../../package.json', import.meta.url));

/** Of a package as npm names it. @throws Error when it is not installed */
export const versionOf = (name: string): string =>
  versionIn(createRequire(import.meta.url).resolve(`${name}/package.json`));
