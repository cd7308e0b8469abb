/** ONNX Runtime's telemetry: where it is on, its environment keeps a session and a log in the temporary folder. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/temporary.js';

const CHILD = fileURLToPath(new URL('environment-child.ts', import.meta.url));

test('is off, also where the environment asks for it', () => {
  const folder = temporaryFolder();
  const { CI: _, ...env } = process.env;
  execFileSync(process.execPath, ['--import', 'tsx', CHILD], {
    env: { ...env, TMPDIR: folder, TSX_DISABLE_CACHE: '1', ORT_DISABLE_TELEMETRY: '0' },
  });
  expect(readdirSync(folder).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
});
