/**
 * Programs that play pip, the unpacking Python, npm and the compiler for set-up: instead of a download they link
 * the TensorFlow that is set up on this machine, so that what set-up makes is really loaded and really works.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { locateRuntime } from '../../../src/tensor/runtime.js';
import { nodeProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The folder of the runtime that `lorikeet setup` has built for this user, or null. */
export function builtRuntimeDir(): string | null {
  const runtime = locateRuntime('cpu');
  return runtime?.source === 'wheel' ? dirname(runtime.binding) : null;
}

const PYTHON = (real: string, log: string, hang: string) => `
const { appendFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
if (args[0] === '-c') {
  console.log('3.12.0\\n24.0');
} else if (args.includes('download')) {
  appendFileSync(${JSON.stringify(log)}, 'download\\n');
  const [name, version] = args.at(-1).replaceAll('-', '_').split('==');
  const wheel = name + '-' + version + '-cp312-cp312-x.whl';
  console.log('  Downloading ' + wheel + ' (3.0 MB)');
  const finish = () => {
    if (existsSync(${JSON.stringify(hang)})) return;
    writeFileSync(wheel, 'wheel');
    process.exit();
  };
  finish();
  setInterval(finish, 50);
} else if (args[1] === '--requires') {
  appendFileSync(${JSON.stringify(log)}, 'requires\\n');
} else if (args[1].endsWith('.tgz')) {
  const headers = args[2] + '/package/include/node/';
  mkdirSync(headers, { recursive: true });
  writeFileSync(headers + 'node_api.h', '');
  writeFileSync(headers + 'js_native_api.h', '#if NAPI_VERSION >= 8');
} else {
  appendFileSync(${JSON.stringify(log)}, 'unpack\\n');
  mkdirSync(args[2] + '/tensorflow');
  for (const name of ['include', 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'])
    symlinkSync(${JSON.stringify(real)} + '/tensorflow/' + name, args[2] + '/tensorflow/' + name);
  console.log('10 10');
}
`;

const COMPILER = (real: string, log: string, broken: string) => `
const { appendFileSync, copyFileSync, existsSync, readFileSync } = require('node:fs');
const { basename } = require('node:path');
appendFileSync(${JSON.stringify(log)}, 'compile\\n');
const broken = ${JSON.stringify(broken)};
if (existsSync(broken) && process.argv.some((arg) => arg.includes(readFileSync(broken, 'utf8')))) {
  console.error('tfjs_backend.cc:1:1: error: broken on purpose');
  process.exit(1);
}
const output = process.argv.at(-1);
copyFileSync(${JSON.stringify(real)} + '/' + basename(output).replace(/\\.part-.*/, ''), output);
`;

export interface FakeTools {
  /** An installed tfjs-node-gpu without a binding of its own. */
  readonly packageDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cache: string;
  /** What the programs were asked to do so far. */
  readonly calls: () => string[];
  /** While on, a download does not end. */
  readonly hangDownloads: (on: boolean) => void;
  /** From now on the compiler fails, for sources of this name alone where one is given. */
  readonly breakCompiler: (source?: string) => void;
}

/** Makes the programs and an empty cache folder for one test. */
export function fakeTools(real: string): FakeTools {
  const home = temporaryFolder();
  const file = (name: string) => join(home, name);
  mkdirSync(file('bin'));
  writeFileSync(file('log'), '');
  const program = (name: string, code: string) => nodeProgram(join(home, 'bin', name), code);
  program('python3', PYTHON(real, file('log'), file('hang')));
  program('npm', "require('node:fs').writeFileSync('node.tgz', '')");
  program('c++', COMPILER(real, file('log'), file('broken')));
  return {
    env: { PATH: file('bin'), HOME: home, LORIKEET_CACHE: file('cache') },
    cache: file('cache'),
    packageDir: file('package'),
    calls: () => readFileSync(file('log'), 'utf8').split('\n').filter(Boolean),
    hangDownloads: (on) => {
      if (on) writeFileSync(file('hang'), '');
      else rmSync(file('hang'));
    },
    breakCompiler: (source = '') => writeFileSync(file('broken'), source),
  };
}
