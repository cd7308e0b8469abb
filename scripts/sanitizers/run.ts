/**
 * The compiled operators under sanitizers, without Node, TensorFlow and ONNX Runtime: operations.cc and rollouts.cc call
 * them on random shapes over stand-ins for both, compiled for each kind of processor that this machine can stand for.
 *
 *   npx tsx scripts/sanitizers/run.ts [sanitizer=address|undefined|thread|none] [march=x86-64-v3] [seed=1] [cases=100]
 *
 * All sanitizers and processors unless named: an hour on two cores, most of it for compiling; `none` is as set-up
 * compiles them. Exit code 1 when a sanitizer complains, when a result depends on the number of threads or on what was in
 * memory, or when two processors come to sums that are further apart than by rounding.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from '../../src/setup/tools.js';
import { PROCESSORS } from '../../test/support/native-program.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const native = (part: string) => join(here, '../../src', part, 'native');
const words = new Map(process.argv.slice(2).map((word) => word.split('=') as [string, string]));
const [seed, cases] = [words.get('seed') ?? '1', words.get('cases') ?? '100'];
const isAsked = (key: string, value: string) => (words.get(key) ?? value) === value;
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-sanitizers-'));

/** Headers of TensorFlow by the names under which the operations include them. */
function standIns(): string {
  const text = readFileSync(join(native('tensor'), 'op.h'), 'utf8');
  for (const [, name = ''] of text.matchAll(/#include "(tensorflow\/.*)"/g)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), '#include "tensorflow.h"\n');
  }
  return folder;
}

const rolloutSources = readdirSync(native('rollout'))
  .filter((name) => name.endsWith('.cc') && name !== 'library.cc')
  .map((name) => join(native('rollout'), name));

const PROGRAMS = {
  operations: [
    ...['-std=c++20', '-ffp-contract=fast', `-I${standIns()}`, `-I${native('tensor')}`],
    join(here, 'operations.cc'),
  ],
  rollouts: ['-std=c++17', `-I${native('rollout')}`, join(here, 'rollouts.cc'), ...rolloutSources],
};

/** Those of set-up that concern numbers are among them. */
const FLAGS = [
  ...['-g', '-w', '-pthread', '-fno-omit-frame-pointer', `-I${here}`],
  ...['-fno-math-errno', '-fno-trapping-math', '-mprefer-vector-width=512'],
];

const checked = (name: string) => ['-O1', `-fsanitize=${name}`, '-fno-sanitize-recover=all'];

const SANITIZERS = {
  none: ['-O3'],
  address: checked('address'),
  undefined: checked('undefined'),
  thread: checked('thread'),
};

/** @returns What it printed; null when it failed, which has been said. */
function call(program: string, args: readonly string[]): string | null {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] };
  const { status, error, stdout } = spawnSync(program, args, options as { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return status === 0 ? stdout : null;
}

/** Lines of a name, a count of what is no number, and a sum. @returns those that are not alike */
function differences(one: string, other: string): string[] {
  const others = other.split('\n');
  return one.split('\n').filter((line, i) => {
    const [a, b] = [line, others[i] ?? ''].map((each) => each.split(' '));
    const [x, y] = [Number(a!.at(-1)), Number(b!.at(-1))];
    const apart = Math.abs(x - y) > 0.02 * Math.max(x, y) + 0.01;
    return a!.slice(0, -1).join() !== b!.slice(0, -1).join() || apart;
  });
}

const compiler = findCompiler(process.env);
let failures = 0;
const fails = (what: string) => {
  console.log(`  ${what}`);
  failures++;
};

for (const [name, args] of Object.entries(PROGRAMS)) {
  let first: string | null = null;
  for (const [sanitizer, checks] of Object.entries(SANITIZERS))
    for (const { march } of PROCESSORS) {
      if (!isAsked('sanitizer', sanitizer) || !isAsked('march', march)) continue;
      console.log(`${name}, ${sanitizer}, ${march}`);
      const program = join(folder, `${name}-${sanitizer}-${march}`);
      const flags = [...FLAGS, ...checks, `-march=${march}`];
      const all = [...compiler.args, ...flags, ...args, '-o', program];
      const printed = call(compiler.program, all) === null ? null : call(program, [seed, cases]);
      if (printed === null) fails('failed');
      else if (first !== null)
        for (const line of differences(first, printed)) fails(`not so elsewhere: ${line}`);
      first ??= printed;
    }
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = failures > 0 ? 1 : 0;
