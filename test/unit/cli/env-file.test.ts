/** Variables of a file `.env`: those that are not set yet. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEnvFile } from '../../../src/cli/env-file.js';
import { temporaryFolder } from '../../support/temporary.js';

it('sets what is not set, and needs no file', () => {
  const dir = temporaryFolder();
  const path = join(dir, '.env');
  writeFileSync(path, '# keys\nOPENAI_API_KEY="sk-1"\nTINKER_API_KEY=tml-1\nEMPTY=x\n');
  const env: Record<string, string | undefined> = { TINKER_API_KEY: 'tml-0', EMPTY: '' };
  readEnvFile(path, env);
  expect(env).toEqual({ OPENAI_API_KEY: 'sk-1', TINKER_API_KEY: 'tml-0', EMPTY: '' });
  readEnvFile(join(dir, 'absent'), env);
  readEnvFile(dir, env);
  expect(env.OPENAI_API_KEY).toBe('sk-1');
});
