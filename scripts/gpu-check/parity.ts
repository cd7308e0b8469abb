/** The device against the CPU: log-probabilities, gradients, rollouts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRow, readJsonl, toJsonl } from '../../src/util/files.js';
import { readSafetensors, toFloat32 } from '../../src/weights/index.js';
import type { Check } from './check.js';

const TEXTS = Array.from({ length: 16 }, (_, i) => `${i} + ${i} = ${2 * i}, and so on`);

const gradientsProgram = 'scripts/gpu-check/gradients.ts';

/** @param adapted A run folder whose adapter is trained already: that of a fresh one has gradients of zero in A. */
export async function parity(check: Check, adapted: string): Promise<void> {
  const texts = join(check.output, 'texts.jsonl');
  const prompts = join(check.output, 'prompts.jsonl');
  writeFileSync(texts, toJsonl(TEXTS.map((text) => ({ text }))));
  writeFileSync(prompts, toJsonl(TEXTS.map((prompt) => ({ prompt }))));
  await scores(check, adapted, texts);
  await gradients(check, adapted);
  await rollouts(check, adapted, { texts, prompts });
}

/** False for NaN as well. */
const isBelow = (value: number, limit: number): boolean => value <= limit;

/**
 * Largest and mean difference of the log-probabilities in two files of `score`.
 * @throws Error where they have not as many, or none
 */
function gapsOf(one: string, other: string) {
  const logprobs = (path: string) => readJsonl(path).flatMap((row) => row.logprobs as number[]);
  const [a, b] = [logprobs(one), logprobs(other)];
  if (a.length === 0 || a.length !== b.length) {
    throw new Error(`${a.length} log-probabilities in ${one}, ${b.length} in ${other}`);
  }
  const gaps = a.map((value, i) => Math.abs(value - b[i]!));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return { tokens: gaps.length, largest: Math.max(...gaps), mean };
}

/** Name of the file, device and type: the reference first. */
const placesOf = (device: string) =>
  [
    ['cpu', 'cpu', 'float32'],
    ['float32', device, 'float32'],
    ['bfloat16', device, 'bfloat16'],
  ] as const;

async function scores(
  { parts, output, device }: Check,
  model: string,
  input: string,
): Promise<void> {
  const file = (name: string) => join(output, `score-${name}.jsonl`);
  for (const [name, where, type] of placesOf(device)) {
    await parts.lorikeet(`score, ${where}, ${type}`, [
      ...['score', `model=${model}`, `input=${input}`, 'engine=tensorflow'],
      ...[`compute_dtype=${type}`, `device=${where}`, `output=${file(name)}`, 'overwrite=true'],
    ]);
  }
  parts.check('log-probabilities, float32: |Δ| <= 1e-3', () => {
    const result = gapsOf(file('cpu'), file('float32'));
    return { ok: isBelow(result.largest, 1e-3), result };
  });
  parts.check('log-probabilities, bfloat16: mean |Δ| <= 0.05', () => {
    const result = gapsOf(file('cpu'), file('bfloat16'));
    return { ok: isBelow(result.mean, 0.05), result };
  });
}

async function gradients({ parts, output, device }: Check, model: string): Promise<void> {
  const file = (name: string) => join(output, `gradients-${name}.safetensors`);
  for (const [name, where, type] of placesOf(device)) {
    const keys = [`model=${model}`, `device=${where}`, `compute_dtype=${type}`];
    await parts.run(`gradients, ${where}, ${type}`, [
      ...[process.execPath, '--import', 'tsx', gradientsProgram, ...keys, `output=${file(name)}`],
    ]);
  }
  parts.check('gradients, float32: ‖g − g*‖ / ‖g*‖ <= 1e-3 in each tensor', () => {
    const result = errorsOf(file('float32'), file('cpu'));
    return { ok: isBelow(result.worst, 1e-3), result };
  });
  parts.check('gradients, bfloat16: the same, all in one <= 0.05', () => {
    const result = errorsOf(file('bfloat16'), file('cpu'));
    return { ok: isBelow(result.all, 0.05), result };
  });
}

/**
 * ‖g − g*‖ / ‖g*‖ of the worst tensor, and of all tensors as one; NaN where a number is none.
 * @throws Error where a tensor is missing
 */
function errorsOf(found: string, wanted: string) {
  const [mine, theirs] = [readSafetensors(found), readSafetensors(wanted)];
  const errors = [...theirs].map(([name, value]) => {
    const own = mine.get(name);
    if (own === undefined) throw new Error(`${found}: no gradient of ${name}`);
    const [a, b] = [toFloat32(own), toFloat32(value)];
    const gap = b.reduce((sum, x, i) => sum + (a[i]! - x) ** 2, 0);
    const norm = b.reduce((sum, x) => sum + x ** 2, 0);
    return { name, gap, norm, error: gap === 0 ? 0 : Math.sqrt(gap / norm) };
  });
  const total = (of: 'gap' | 'norm') => errors.reduce((sum, each) => sum + each[of], 0);
  const worst = Math.max(...errors.map(({ error }) => error));
  const name = errors.find(({ error }) => Object.is(error, worst))?.name ?? null;
  return { tensors: errors.length, worst, name, all: Math.sqrt(total('gap') / total('norm')) };
}

/**
 * Log-probabilities of rollouts on the device beside those of the CPU in float32, and the same prompts continued
 * greedily: rounding may change a token where two are about as likely, and all that follow.
 */
async function rollouts(
  { parts, output, device }: Check,
  model: string,
  { texts, prompts }: { readonly texts: string; readonly prompts: string },
): Promise<void> {
  const sides = {
    cpu: ['rollout_device=cpu', 'rollout_precision=float32'],
    device: [`rollout_device=${device}`, 'rollout_precision=auto'],
  };
  const file = (what: string, where: string) => join(output, `${what}-rollouts-${where}.jsonl`);
  for (const [where, choice] of Object.entries(sides)) {
    const keys = [`model=${model}`, ...choice, 'overwrite=true'];
    await parts.lorikeet(`score by rollouts, ${where}`, [
      ...['score', 'engine=onnxruntime', ...keys, `input=${texts}`],
      `output=${file('score', where)}`,
    ]);
    await parts.lorikeet(`greedy rollouts, ${where}`, [
      ...['generate', ...keys, `input=${prompts}`, 'temperature=0', 'max_new_tokens=16'],
      ...['prompt_template={prompt}', `output=${file('greedy', where)}`],
    ]);
  }
  parts.check('rollouts, log-probabilities: mean |Δ| <= 0.05', () => {
    const result = gapsOf(file('score', 'cpu'), file('score', 'device'));
    return { ok: isBelow(result.mean, 0.05), result };
  });
  parts.check('greedy rollouts: first tokens the same in 3 of 4', () => {
    const firstOf = (row: JsonRow) => (row.completion_ids as number[])[0];
    const [cpu, other] = ['cpu', 'device'].map((where) => readJsonl(file('greedy', where)));
    const same = cpu!.filter((row, i) => firstOf(row) === firstOf(other![i]!)).length;
    const ok = same >= 0.75 * cpu!.length;
    return { ok, result: { rows: cpu!.length, same_first_token: same } };
  });
}
