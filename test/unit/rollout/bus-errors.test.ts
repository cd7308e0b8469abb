/** A bus error ends the process whatever it comes of, and of a mapped file that was cut it is said once. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compiled } from '../../support/native-program.js';
import { temporaryFolder } from '../../support/temporary.js';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const CUT =
  '\nerror: a file that is mapped into memory, most likely of weights, was cut while it was in use. ' +
  'Put new ones in place by renaming\n';

describe.skipIf(process.platform !== 'linux')('bus errors', () => {
  let program: string;
  beforeAll(() => {
    const args = ['-std=c++17', '-pthread', `-I${path('../../../src/rollout/native')}`];
    program = compiled(path('bus-errors.cc'), { folder: temporaryFolder(), args });
  });
  const ended = (threads: number) => spawnSync(program, [String(threads)], { encoding: 'utf8' });

  it.each([1, 8])('of %i threads at a file that was cut', (threads) => {
    for (let i = 0; i < 50; i++)
      expect(ended(threads)).toMatchObject({ signal: 'SIGBUS', stderr: CUT });
  });

  it('of a signal that another process may have sent', () => {
    expect(ended(0)).toMatchObject({ signal: 'SIGBUS', stderr: '' });
  });
});
