/** The device against the CPU: log-probabilities, gradients, rollouts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRow, readJsonl, toJsonl } from '../../src/util/files.js';
import { readSafetensors, toFloat32 } from '../../src/weights/index.js';
import type { Check } from './check.js';

const TEXTS = Array.from({ length: 16 }, (_, i) => `${i} + ${i} = ${2 * i}, and so on`);

const gradientsProgram = 'scripts/gpu-check/gradients.ts';

/** @param adapted A run folder whose adapter is trained already: that of a fresh one has gradients of zero in A. */
export function parity(check: Check, adapted: string): void {
  const texts = join(check.output, 'texts.jsonl');
  const prompts = join(check.output, 'prompts.jsonl');
  writeFileSync(texts, toJsonl(TEXTS.map((text) => ({ text }))));
  writeFileSync(prompts, toJsonl(TEXTS.map((prompt) => ({ prompt }))));
  scores(check, adapted, texts);
  gradients(check, adapted);
  rollouts(check, adapted, { texts, prompts });
}

/** Largest and mean difference of the log-probabilities in two files of `score`. */
function gapsOf(one: string, other: string) {
  const logprobs = (path: string) => readJsonl(path).flatMap((row) => row.logprobs as number[]);
  const [a, b] = [logprobs(one), logprobs(other)];
  const gaps = a.map((value, i) => Math.abs(value - b[i]!));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return { tokens: gaps.length, largest: Math.max(...gaps), mean };
}

function scores({ parts, output, device }: Check, model: string, input: string): void {
  const places = [
    ['cpu', 'cpu', 'float32'],
    ['float32', device, 'float32'],
    ['bfloat16', device, 'bfloat16'],
  ] as const;
  const file = (name: string) => join(output, `score-${name}.jsonl`);
  const done = places.map(([name, where, type]) =>
    parts.lorikeet(`score, ${where}, ${type}`, [
      ...['score', `model=${model}`, `input=${input}`, 'engine=tensorflow'],
      ...[`compute_dtype=${type}`, `device=${where}`, `output=${file(name)}`, 'overwrite=true'],
    ]),
  );
  if (!done.every(({ ok }) => ok)) return;
  const float = gapsOf(file('cpu'), file('float32'));
  parts.check('log-probabilities, float32: |Δ| <= 1e-3', isBelow(float.largest, 1e-3), float);
  const half = gapsOf(file('cpu'), file('bfloat16'));
  parts.check('log-probabilities, bfloat16: mean |Δ| <= 0.05', isBelow(half.mean, 0.05), half);
}

/** False for NaN as well. */
const isBelow = (value: number, limit: number): boolean => value <= limit;

function gradients({ parts, output, device }: Check, model: string): void {
  const file = (name: string) => join(output, `gradients-${name}.safetensors`);
  const made = [
    ['cpu', 'cpu', 'float32'],
    ['float32', device, 'float32'],
    ['bfloat16', device, 'bfloat16'],
  ].map(([name, where, type]) => {
    const keys = [`model=${model}`, `device=${where}`, `compute_dtype=${type}`];
    const args = ['--import', 'tsx', gradientsProgram, ...keys, `output=${file(name!)}`];
    return parts.run(`gradients, ${where}, ${type}`, process.execPath, args);
  });
  if (!made.every(({ ok }) => ok)) return;
  const float = errorsOf(file('float32'), file('cpu'));
  const isSame = isBelow(float.worst, 1e-3);
  parts.check('gradients, float32: ‖g − g*‖ / ‖g*‖ <= 1e-3 in each tensor', isSame, float);
  const half = errorsOf(file('bfloat16'), file('cpu'));
  parts.check('gradients, bfloat16: the same, all in one <= 0.05', isBelow(half.all, 0.05), half);
}

/** ‖g − g*‖ / ‖g*‖ of the worst tensor, and of all tensors as one. */
function errorsOf(found: string, wanted: string) {
  const [mine, theirs] = [readSafetensors(found), readSafetensors(wanted)];
  let [worst, name, gaps, norms] = [0, '', 0, 0];
  for (const [tensor, value] of theirs) {
    const b = toFloat32(value);
    const a = toFloat32(mine.get(tensor)!);
    let [gap, norm] = [0, 0];
    for (let i = 0; i < b.length; i++) {
      gap += (a[i]! - b[i]!) ** 2;
      norm += b[i]! ** 2;
    }
    gaps += gap;
    norms += norm;
    const error = Math.sqrt(gap / norm);
    if (!isBelow(error, worst)) [worst, name] = [error, tensor];
  }
  return { tensors: theirs.size, worst, name, all: Math.sqrt(gaps / norms) };
}

/**
 * Log-probabilities of rollouts on the device beside those of the CPU in float32, and the same prompts continued
 * greedily: rounding may change a token where two are about as likely, and all that follow.
 */
function rollouts(
  { parts, output, rolloutDevice }: Check,
  model: string,
  { texts, prompts }: { readonly texts: string; readonly prompts: string },
): void {
  const sides = {
    cpu: ['rollout_device=cpu', 'rollout_precision=float32'],
    device: [`rollout_device=${rolloutDevice}`],
  };
  const file = (what: string, where: string) => join(output, `${what}-rollouts-${where}.jsonl`);
  const done = Object.entries(sides).flatMap(([where, choice]) => {
    const keys = [`model=${model}`, ...choice, 'overwrite=true'];
    const greedy = ['temperature=0', 'max_new_tokens=16', 'prompt_template={prompt}'];
    return [
      parts.lorikeet(`score by rollouts, ${where}`, [
        ...['score', ...keys, `input=${texts}`, `output=${file('score', where)}`],
      ]),
      parts.lorikeet(`greedy rollouts, ${where}`, [
        ...['generate', ...keys, `input=${prompts}`, ...greedy],
        `output=${file('greedy', where)}`,
      ]),
    ];
  });
  if (!done.every(({ ok }) => ok)) return;
  const gaps = gapsOf(file('score', 'cpu'), file('score', 'device'));
  parts.check('rollouts, log-probabilities: mean |Δ| <= 0.05', isBelow(gaps.mean, 0.05), gaps);
  const firstOf = (row: JsonRow) => (row.completion_ids as number[])[0];
  const [cpu, other] = ['cpu', 'device'].map((where) => readJsonl(file('greedy', where)));
  const same = cpu!.filter((row, i) => firstOf(row) === firstOf(other![i]!)).length;
  const result = { rows: cpu!.length, same_first_token: same };
  const isGreedy = same >= 0.9 * cpu!.length;
  parts.check('greedy rollouts: first tokens the same in 9 of 10', isGreedy, result);
}
