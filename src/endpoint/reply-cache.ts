/**
 * Replies kept on disk by content: the same request to the same server is asked once. Keys are the
 * SHA-256 of address and body, with object keys in order, so that how a request was built is no matter.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRow, sha256, writeFileAtomic } from '../util/files.js';
import { canonicalJson, isObject } from '../util/json-object.js';

export interface ReplyCache {
  get(key: string): JsonRow | null;
  put(key: string, request: { readonly url: string; readonly body: unknown }, reply: JsonRow): void;
}

/** Content key of a request. */
export function requestKey(url: string, body: unknown): string {
  return sha256(canonicalJson([url, body]));
}

/** Files `<dir>/<first two digits>/<key>.json`. A file that is broken counts as absent. */
export function diskCache(dir: string): ReplyCache {
  const pathOf = (key: string) => join(dir, key.slice(0, 2), `${key}.json`);
  return {
    get(key) {
      const path = pathOf(key);
      if (!existsSync(path)) return null;
      try {
        const { reply } = JSON.parse(readFileSync(path, 'utf8')) as { reply?: unknown };
        return isObject(reply) ? reply : null;
      } catch {
        return null;
      }
    },
    put(key, request, reply) {
      writeFileAtomic(pathOf(key), `${JSON.stringify({ request, reply })}\n`);
    },
  };
}
