import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requirementsOf, type UnpackOptions, unpack } from '../../../src/setup/unpack.js';
import { findProgram } from '../../../src/util/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

const python = findProgram('python3');
const folder = temporaryFolder();
const steps: string[] = [];
const options: UnpackOptions = {
  python: { program: python ?? '', version: '', pip: '' },
  observer: {
    log: () => {},
    progress: (step, done, total) => steps.push(`${step} ${done}/${total}`),
    stepDone: () => steps.push('done'),
  },
  signal: undefined,
};

/** Makes archives with Python: a wheel with an executable and metadata, a tarball, a truncated wheel. */
const MAKE = `
import io, sys, tarfile, zipfile
folder = sys.argv[1]
with zipfile.ZipFile(folder + '/x.whl', 'w') as z:
    z.writestr('lib/a.txt', 'aaaa')
    tool = zipfile.ZipInfo('lib/bin/tool'); tool.external_attr = 0o100755 << 16
    z.writestr(tool, 'tool')
    z.writestr('other/b.txt', 'b')
    z.writestr('lib/../../escape.txt', 'e')
    z.writestr('x-1.dist-info/METADATA', 'Name: x\\nRequires-Dist: n-a<13,>=12; extra == "and-cuda"\\nRequires-Dist: numpy\\n')
with tarfile.open(folder + '/x.tgz', 'w:gz') as t:
    for name, text in [('package/bin/node', b'binary'), ('package/include/node/node_api.h', b'header')]:
        info = tarfile.TarInfo(name); info.size = len(text); t.addfile(info, io.BytesIO(text))
open(folder + '/torn.whl', 'wb').write(open(folder + '/x.whl', 'rb').read()[:80])
`;
if (python !== null) execFileSync(python, ['-c', MAKE, folder]);

test.skipIf(python === null)(
  'takes the named parts of a wheel, keeps what is executable',
  async () => {
    const out = join(folder, 'out');
    await unpack(join(folder, 'x.whl'), { folder: out, prefixes: ['lib/'] }, options);
    expect(readFileSync(join(out, 'lib/a.txt'), 'utf8')).toBe('aaaa');
    expect(statSync(join(out, 'lib/bin/tool')).mode & 0o777).toBe(0o755);
    expect(existsSync(join(out, 'other'))).toBe(false);
    expect(existsSync(join(folder, 'escape.txt'))).toBe(false);
    // 4 of the 8 bytes asked for, then all of them.
    expect(steps).toEqual(['unpack x.whl 4/8', 'unpack x.whl 8/8', 'done']);
  },
);

test.skipIf(python === null)('takes the named parts of an npm tarball', async () => {
  const out = join(folder, 'npm');
  const part = { folder: out, prefixes: ['package/include/node/'] };
  await unpack(join(folder, 'x.tgz'), part, options);
  expect(readFileSync(join(out, 'package/include/node/node_api.h'), 'utf8')).toBe('header');
  expect(existsSync(join(out, 'package/bin'))).toBe(false);
});

test.skipIf(python === null)('lists the requirements of one extra', async () => {
  const needed = await requirementsOf(join(folder, 'x.whl'), 'and-cuda', options);
  expect(needed).toEqual(['n-a<13,>=12']);
});

test.skipIf(python === null)('a torn wheel is an error that says to delete it', async () => {
  const torn = join(folder, 'torn.whl');
  const part = { folder: join(folder, 'no'), prefixes: ['lib/'] };
  await expect(unpack(torn, part, options)).rejects.toThrow(
    `${torn}: cannot be unpacked (exit code 1`,
  );
  await expect(unpack(torn, part, options)).rejects.toThrow(
    'Delete this file and run set-up again',
  );
});
