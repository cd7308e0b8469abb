/** Runs at a training service by the command line, each test in a folder of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { call, type Outcome } from '../../support/call.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The environment holds the service's `key`; after each test it stands in no file, nor in what was printed. */
export function remoteRuns(variable: string, key: string) {
  let dir: string;
  let said: string[];
  beforeEach(() => {
    dir = temporaryFolder();
    said = [];
    vi.stubEnv(variable, key);
  });
  afterEach(() => {
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      expect(readFileSync(path).includes(key), path).toBe(false);
    }
    expect(said.join('\n')).not.toContain(key);
  });
  return {
    at: (...names: string[]) => join(dir, ...names),
    inRun: (name: string) => join(dir, 'run', name),
    async run(words: readonly string[], signal?: AbortSignal): Promise<Outcome> {
      const done = await call(words, {}, { signal });
      said.push(done.out, done.err);
      return done;
    },
  };
}
