/** A tiny model, and short trainings of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonl } from '../../src/util/files.js';
import type { Check } from './check.js';

interface Material {
  readonly base: string;
  readonly rows: string;
}

/** The quickstart's problems, and a checkpoint for them. */
export async function material({ parts, output }: Check): Promise<Material> {
  const data = join(output, 'data');
  const [base, rows] = [join(output, 'base'), join(data, 'train.jsonl')];
  await parts.lorikeet('data', [
    'data',
    'arithmetic',
    `output_dir=${data}`,
    'seed=1',
    'overwrite=true',
  ]);
  await parts.lorikeet('init-model', [
    ...['init-model', 'configs/quickstart/init-model.yaml', `output=${base}`],
    ...[`tokenizer.corpus=["${rows}"]`, 'overwrite=true'],
  ]);
  return { base, rows };
}

const keysOf = (base: string, device: string) => [
  ...[`model=${base}`, 'prompt_template={prompt}', `device=${device}`],
  ...['report_to=none', 'overwrite=true'],
];

/** A run folder of a few steps on the CPU. */
export async function adaptedOnCpu(
  { parts, output }: Check,
  { base, rows }: Material,
): Promise<string> {
  const dir = join(output, 'adapted');
  await parts.lorikeet('an adapter, cpu', [
    ...['sft', ...keysOf(base, 'cpu'), `dataset.path=${rows}`, 'max_steps=3'],
    ...['learning_rate=1e-2', `output_dir=${dir}`],
  ]);
  return dir;
}

export async function trainings(check: Check, { base, rows }: Material): Promise<void> {
  const { parts, output, device } = check;
  const keys = keysOf(base, device);
  const dir = (name: string) => `output_dir=${join(output, name)}`;
  await parts.lorikeet('sft', [
    ...['sft', ...keys, `dataset.path=${rows}`, 'max_steps=20', 'learning_rate=1e-3', dir('sft')],
  ]);
  await parts.lorikeet('grpo', [
    ...['grpo', ...keys, `dataset.path=${rows}`, 'max_steps=4', 'max_completion_length=32'],
    ...[`rollout_device=${device}`, dir('grpo')],
  ]);
  const pairs = join(output, 'pairs.jsonl');
  const pair = (i: number) => ({
    question: `${i}+1?`,
    chosen: String(i + 1),
    rejected: String(i),
  });
  writeFileSync(pairs, toJsonl(Array.from({ length: 32 }, (_, i) => pair(i))));
  await parts.lorikeet('dpo', ['dpo', ...keys, `dataset.path=${pairs}`, 'max_steps=4', dir('dpo')]);
}
