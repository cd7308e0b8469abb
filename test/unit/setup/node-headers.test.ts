import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findNodeHeaders, hasNodeHeaders, headerFolders } from '../../../src/setup/node-headers.js';
import { findProgram } from '../../../src/util/programs.js';
import { shellProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

function writeHeaders(folder: string, levels: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node_api.h'), '');
  writeFileSync(join(folder, 'js_native_api.h'), levels);
  return folder;
}

test('headers must know Node-API 8', () => {
  expect(hasNodeHeaders(writeHeaders(temporaryFolder(), '#if NAPI_VERSION >= 8\n'))).toBe(true);
  expect(hasNodeHeaders(writeHeaders(temporaryFolder(), '#if NAPI_VERSION >= 7\n'))).toBe(false);
  expect(hasNodeHeaders(temporaryFolder())).toBe(false);
});

test('headers beside the running Node come first, also through a link to it', () => {
  const home = temporaryFolder();
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin', 'node'), '');
  const link = join(temporaryFolder(), 'node');
  symlinkSync(join(home, 'bin', 'node'), link);
  expect(headerFolders(link, {})[0]).toBe(join(home, 'include', 'node'));
  expect(headerFolders(link, { npm_config_nodedir: '/opt/node' })[1]).toBe(
    '/opt/node/include/node',
  );
});

const python = findProgram('python3');
const lines: string[] = [];
const options = {
  python: { program: python ?? '', version: '', pip: '' },
  observer: { log: (line: string) => lines.push(line), progress: () => {}, stepDone: () => {} },
  signal: undefined,
};

test('headers on this machine are used before npm is asked', async () => {
  const folder = writeHeaders(temporaryFolder(), '#if NAPI_VERSION >= 8');
  const search = { folders: [temporaryFolder(), folder], scratch: '/nowhere', env: { PATH: '' } };
  await expect(findNodeHeaders(search, options)).resolves.toBe(folder);
});

/** A folder with an npm that notes its arguments and runs shell lines. */
function fakeNpm(script: string): string {
  const bin = temporaryFolder();
  shellProgram(join(bin, 'npm'), `echo "$@" > ${bin}/args\n${script}`);
  return bin;
}

const PACK = `
mkdir -p package/include/node package/bin
echo "#if NAPI_VERSION >= 8" > package/include/node/js_native_api.h
touch package/include/node/node_api.h package/bin/node
tar czf x.tgz package && rm -r package`;

test.skipIf(python === null)('else they come from the npm package of this very Node', async () => {
  const bin = fakeNpm(PACK);
  const scratch = join(temporaryFolder(), 'headers');
  const search = { folders: [], scratch, env: { PATH: `${bin}:/usr/bin:/bin` } };
  const folder = await findNodeHeaders(search, options);
  expect(folder).toBe(join(scratch, 'package', 'include', 'node'));
  expect(hasNodeHeaders(folder)).toBe(true);
  const name = `node-${process.platform}-${process.arch}@${process.versions.node}`;
  expect(readFileSync(join(bin, 'args'), 'utf8').trim()).toBe(
    `pack --silent --ignore-scripts ${name}`,
  );
  expect(lines).toContain(`Node's headers come from the npm package ${name}`);
});

test('without npm, or when it fails, the error says what to install', async () => {
  const scratch = join(temporaryFolder(), 'headers');
  const none = findNodeHeaders({ folders: [], scratch, env: { PATH: '' } }, options);
  await expect(none).rejects.toThrow(
    `Node's headers: not beside ${process.execPath}, and not to be had from npm (npm is not on PATH). Install them`,
  );
  const bin = fakeNpm('echo "npm error 404 Not Found" >&2; exit 1');
  const failed = findNodeHeaders({ folders: [], scratch, env: { PATH: bin } }, options);
  await expect(failed).rejects.toThrow('exit code 1: npm error 404 Not Found');
});

test('npm is the one that runs us, when one does', async () => {
  const home = temporaryFolder();
  const script = join(home, 'npm-cli.js');
  writeFileSync(script, 'console.error("error: asked"); process.exit(9)');
  const env = { PATH: dirname(process.execPath), npm_execpath: script };
  const failed = findNodeHeaders({ folders: [], scratch: join(home, 's'), env }, options);
  await expect(failed).rejects.toThrow('exit code 9: error: asked');
});
