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

it('reads past a byte-order mark, and refuses what is not UTF-8', () => {
  const path = join(temporaryFolder(), '.env');
  writeFileSync(path, '\ufeffFIRST=1\r\nSECOND=2\r\n');
  const env: Record<string, string | undefined> = {};
  readEnvFile(path, env);
  expect(env).toEqual({ FIRST: '1', SECOND: '2' });
  writeFileSync(path, Buffer.from([0x41, 0x3d, 0xff, 0x0a]));
  expect(() => readEnvFile(path, env)).toThrow(`${path}:1: the text is not UTF-8`);
});
