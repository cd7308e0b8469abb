/**
 * Runs Lorikeet on this machine's GPU, part by part: set-up, doctor, CPU against GPU, short trainings, speed, whether a
 * 7 B model keeps to its memory plan, and the speed of TRL.
 *
 *   npm run build
 *   npx tsx scripts/gpu-check/run.ts [device=cuda:1] [python=venv/bin/python] [output=FOLDER]
 *     [shapes=SmolLM2-135M,Qwen2.5-1.5B] [fit=Qwen2.5-7B] [steps=5] [limit=600] [total=3600]
 *
 * Without `python` (with torch, transformers, trl, peft, accelerate, datasets) TRL is not measured. `shapes=none` and
 * `fit=none` leave the measurements out; device=cpu runs the same parts at tiny size. `limit`: seconds that a part may
 * take (default: 600, set-up 3600); `total`: seconds that all may take (default: no limit), after which no part begins.
 * Writes gpu-check.json and gpu-check.md into the folder (outputs/gpu-check) after every part. A part that fails does
 * not stop the others; the exit code is then 1.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Check as Finding } from '../../src/recipes/doctor/check.js';
import { pickCard } from '../../src/tensor/gpu.js';
import { LorikeetError, SetupError } from '../../src/util/errors.js';
import { writeFileAtomic, writeJson } from '../../src/util/files.js';
import type { Check } from './check.js';
import { type FitRow, fitsCard } from './fit.js';
import { describeDevice, versionsProgram } from './machine.js';
import { page } from './page.js';
import { parity } from './parity.js';
import { Parts } from './parts.js';
import { peerSpeed, type SpeedRow, speed } from './speed.js';
import { adaptedOnCpu, material, trainings } from './trainings.js';
import { RESULT, type Words, wordsOf } from './words.js';

async function main(): Promise<boolean> {
  const words = wordsOf(process.argv.slice(2));
  const { output, steps, limit, setupLimit, total } = words;
  const card = words.device === 'cpu' ? null : pickCard(words.device);
  if (!existsSync('dist/cli/main.js')) {
    throw new SetupError({ problem: 'no dist/cli/main.js here', remedy: 'Run `npm run build`' });
  }
  const machine = describeDevice(card);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const found = { speed: [] as SpeedRow[], fit: [] as FitRow[] };
  const write = () => {
    const all = { machine, device: words.device, parts: parts.all, ...found };
    writeJson(join(output, RESULT), { ok: parts.ok, date: new Date().toISOString(), ...all });
    writeFileAtomic(join(output, 'gpu-check.md'), page(all));
  };
  const parts = new Parts({ card, limit, total, onPart: write });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(130));
  const device = card === null ? 'cpu' : 'cuda';
  // The CPU is what the card is compared with.
  const places = device === 'cpu' ? (['cpu'] as const) : (['cpu', device] as const);
  for (const place of places) {
    const command = ['setup', `device=${place}`, '--json'];
    await parts.lorikeet(`setup, ${place}`, command, { limit: setupLimit });
  }
  await doctor(parts, device);
  await measure({ parts, output, device, steps }, words, found);
  write();
  const end = parts.ok ? 'all parts are well' : 'parts have failed';
  console.error(`${end}: ${join(output, 'gpu-check.md')}`);
  return parts.ok;
}

/** What it finds amiss is printed: of a part that fails only the exit code would be known. */
async function doctor(parts: Parts, device: string): Promise<void> {
  const { result } = await parts.lorikeet('doctor', ['doctor', `device=${device}`, '--json']);
  for (const { status, name, found, remedy } of (result?.checks ?? []) as readonly Finding[]) {
    if (status !== 'ok') console.error(`       ${status} ${name}: ${found}. ${remedy}`);
  }
}

async function measure(
  check: Check,
  { shapes, fit, python }: Words,
  found: { readonly speed: SpeedRow[]; readonly fit: FitRow[] },
): Promise<void> {
  const { parts, device } = check;
  const made = await material(check);
  const adapted = await adaptedOnCpu(check, made);
  await parts.group('CPU against device', () => parity(check, adapted));
  await parts.group('short trainings', () => trainings(check, made));
  for (const shape of shapes) {
    await parts.group(`speed, ${shape}`, () => speed(check, shape, found.speed));
  }
  if (fit !== null) await parts.group(`memory, ${fit}`, () => fitsCard(check, fit, found.fit));
  if (python === null) return;
  const { ok } = await parts.run('TRL', [python, '-c', versionsProgram(device !== 'cpu')]);
  if (!ok) return;
  for (const shape of shapes) {
    const measures = () => peerSpeed(check, { shape, python }, found.speed);
    await parts.group(`TRL, ${shape}`, measures);
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof LorikeetError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = error.exitCode;
}
