/**
 * Runs Lorikeet on this machine's GPU, part by part: set-up, doctor, CPU against GPU, short trainings, speed beside
 * TRL, and whether a 7 B model keeps to its memory plan.
 *
 *   npm run build
 *   npx tsx scripts/gpu-check/run.ts [device=cuda:1] [python=venv/bin/python] [output=FOLDER]
 *     [shapes=SmolLM2-135M,Qwen2.5-1.5B] [fit=Qwen2.5-7B] [steps=5]
 *
 * Without `python` (with torch, transformers, trl, peft, accelerate, datasets) nothing is measured beside it.
 * `shapes=none` and `fit=none` leave the measurements out; device=cpu runs the same parts at tiny size. Writes
 * gpu-check.json and gpu-check.md into the folder (outputs/gpu-check). A part that fails does not stop the
 * others, unless they need it; the exit code is then 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { type DeviceChoice, pickCard } from '../../src/tensor/gpu.js';
import { InputError, LorikeetError, SetupError } from '../../src/util/errors.js';
import { writeFileAtomic, writeJson } from '../../src/util/files.js';
import type { Check } from './check.js';
import { page } from './page.js';
import { parity } from './parity.js';
import { Parts } from './parts.js';
import { shapeOf } from './shapes.js';
import { cardFit, speed } from './speed.js';
import { adaptedOnCpu, material, trainings } from './trainings.js';

const PEERS = 'torch, transformers, trl, peft';

interface Words {
  readonly device: DeviceChoice;
  readonly output: string;
  readonly python: string | null;
  readonly shapes: readonly string[];
  readonly fit: string | null;
  readonly steps: number;
}

function wordsOf(argv: readonly string[]): Words {
  const given = new Map(argv.map((word) => word.split('=', 2) as [string, string]));
  const take = (name: string, standard: string): string => {
    const value = given.get(name) ?? standard;
    given.delete(name);
    return value;
  };
  const device = take('device', 'cuda');
  const isTiny = device === 'cpu';
  const named = (name: string, standard: string) =>
    take(name, isTiny ? 'tiny' : standard)
      .split(',')
      .filter((shape) => shape !== 'none');
  const words = {
    device: device as DeviceChoice,
    output: take('output', 'outputs/gpu-check'),
    python: take('python', '') || null,
    shapes: named('shapes', 'SmolLM2-135M,Qwen2.5-1.5B'),
    fit: named('fit', 'Qwen2.5-7B')[0] ?? null,
    steps: Number(take('steps', '5')),
  };
  const [unknown] = given.keys();
  if (unknown !== undefined) {
    throw new InputError({
      where: unknown,
      problem: 'no such key',
      remedy: 'Give device, output, python, shapes, fit or steps',
    });
  }
  if (!/^(cpu|cuda(:\d+)?)$/.test(device)) {
    throw new InputError({ where: `device=${device}`, problem: 'give cpu, cuda or cuda:N' });
  }
  for (const shape of [...words.shapes, ...(words.fit === null ? [] : [words.fit])]) shapeOf(shape);
  return words;
}

/** @returns The first line that a program prints, or null where it fails. */
function asked(program: string, args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? (stdout.split('\n')[0] ?? null) : null;
}

/** Machine and versions. @throws SetupError where the Python lacks a peer. */
function machineOf(card: string | null, python: string | null): string {
  const processor = `${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores`;
  const fields = '--query-gpu=name,memory.total,driver_version';
  const query = [`--id=${card}`, fields, '--format=csv,noheader'];
  const place = card === null ? processor : (asked('nvidia-smi', query) ?? `card ${card}`);
  const node = `Node ${process.versions.node}`;
  if (python === null) return `${place}; ${node}; no Python was named to measure beside`;
  const code = `import ${PEERS}, datasets, accelerate; print(', '.join(f'{m.__name__} {m.__version__}' for m in [${PEERS}]))`;
  const versions = asked(python, ['-c', code]);
  if (versions !== null) return `${place}; ${node}; ${versions}`;
  throw new SetupError({
    where: `python=${python}`,
    problem: `it cannot import ${PEERS}, datasets and accelerate`,
    remedy: 'Install them there, or leave python out',
  });
}

function main(): number {
  const { device, output, python, steps, ...measured } = wordsOf(process.argv.slice(2));
  const card = device === 'cpu' ? null : pickCard(device);
  if (!existsSync('dist/cli/main.js')) {
    throw new SetupError({ problem: 'the program is not built', remedy: 'Run `npm run build`' });
  }
  const machine = machineOf(card, python);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const parts = new Parts(card);
  const rolloutDevice = device === 'cpu' ? 'cpu' : 'cuda';
  const check: Check = { parts, output, device, rolloutDevice, python, steps };
  const isReady = parts.lorikeet('setup', ['setup', `device=${device}`, '--json']).ok;
  parts.lorikeet('doctor', ['doctor', `device=${device}`, '--json']);
  const found = {
    ...{ machine, device },
    parts: parts.all,
    ...(isReady && measure(check, measured)),
  };
  const ok = parts.ok;
  writeJson(join(output, 'gpu-check.json'), { ok, date: new Date().toISOString(), ...found });
  const file = join(output, 'gpu-check.md');
  writeFileAtomic(file, page({ speed: [], fit: null, ...found }));
  console.error(`${ok ? 'all parts are well' : 'parts have failed'}: ${file}`);
  return ok ? 0 : 1;
}

function measure(check: Check, { shapes, fit: largest }: Pick<Words, 'shapes' | 'fit'>) {
  const made = material(check);
  parity(check, adaptedOnCpu(check, made));
  trainings(check, made);
  return {
    speed: shapes.flatMap((shape) => speed(check, shape)),
    fit: largest === null ? null : cardFit(check, largest),
  };
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof LorikeetError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = error.exitCode;
}
