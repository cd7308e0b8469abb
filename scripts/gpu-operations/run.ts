/**
 * What the host would ask of a GPU, without one: short trainings on the CPU by the operations that a GPU runs, and each
 * operation looked up among the kernels of TensorFlow's CUDA build (kernels.py).
 *
 *   npx tsx scripts/gpu-operations/run.ts [python=venv/bin/python] [output=FOLDER] [only=WORD]
 *
 * `python` has TensorFlow's wheel with CUDA (`pip install tensorflow==2.21.0` on Linux, x64); `only` takes the cases with
 * this word in their name. All is made in FOLDER/gpu-operations (default: outputs), which is emptied first. Exit code 1
 * when a case fails or an operation has no kernel for a GPU.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/util/files.js';
import { MODELS } from './cases.js';

const words = new Map(process.argv.slice(2).map((word) => word.split('=') as [string, string]));
const output = resolve(words.get('output') ?? 'outputs', 'gpu-operations');
/** A path from where the call was made, or a program's name. */
const program = (word: string) => (word.includes('/') ? resolve(word) : word);
const python = program(words.get('python') ?? 'python3');
const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** @returns Its exit code; what it prints is passed on. */
function run(program: string, args: readonly string[]): number {
  const asOnGpu = { LORIKEET_NATIVE_OPS: '0', LORIKEET_BFLOAT16_TENSORS: '1' };
  const env = { ...process.env, ...asOnGpu };
  const { status, error } = spawnSync(program, args, { cwd: output, env, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

const runTypescript = (path: string, args: readonly string[]): number =>
  run(process.execPath, ['--import', import.meta.resolve('tsx'), beside(path), ...args]);

rmSync(output, { recursive: true, force: true });
mkdirSync(join(output, 'traces'), { recursive: true });
const numbers = Array.from({ length: 64 }, (_, i) => i);
const rows = numbers.map((i) => ({ question: `${i} + 1?`, answer: `#### ${i + 1}` }));
const pairs = numbers.map((i) => ({ question: `${i}?`, chosen: `${i} it is`, rejected: 'no' }));
writeFileSync(join(output, 'rows.jsonl'), toJsonl(rows));
writeFileSync(join(output, 'pairs.jsonl'), toJsonl(pairs));
const codes: number[] = [];
for (const [name, keys] of Object.entries(MODELS)) {
  const architecture = keys.map((key) => `architecture.${key}`);
  const call = ['init-model', `output=${name}`, ...architecture];
  codes.push(runTypescript('../../src/cli/main.ts', call));
}
for (const compute of ['bfloat16', 'float32']) {
  codes.push(runTypescript('record.ts', [compute, words.get('only') ?? '']));
}
codes.push(run(python, [beside('kernels.py'), 'traces']));
process.exitCode = Math.max(...codes);
