import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { withoutNotices } from '../../../src/tensor/quiet-load.js';
import { locateRuntime } from '../../../src/tensor/runtime.js';

const NOTICES = `WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795244507.732443    8746 port.cc:153] oneDNN custom operations are on.
`;

test('notices are dropped, warnings and everything else are kept', () => {
  expect(withoutNotices(NOTICES)).toBe('');
  const warning = 'W0000 00:00:1795244507.732443 8746 cuda.cc:1] no driver';
  expect(withoutNotices(`${NOTICES}${warning}\nother text\n`)).toBe(`${warning}\nother text`);
});

const capture = locateRuntime('cpu')?.stderrCapture ?? null;

test.skipIf(capture === null)(
  'standard error is held back between begin and end, and restored',
  () => {
    const code = `const { begin, end } = require(process.argv[1]);
    const say = (text) => require('node:fs').writeSync(2, text);
    say('a'); begin(); begin(); say('b\\n'.repeat(5000)); const held = end(); say('c');
    console.log(held.length, end() === '');`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code, capture ?? '']);
    expect(stderr.toString()).toBe('ac');
    expect(stdout.toString()).toBe('10000 true\n');
  },
);
