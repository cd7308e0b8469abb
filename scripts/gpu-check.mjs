/**
 * Runs Lorikeet on this machine's GPU, part by part: set-up, doctor, CPU against GPU, short trainings, benchmarks.
 *
 *   node scripts/gpu-check.mjs [device=cuda:1] [output=FOLDER] [model=DIR]
 *
 * Writes gpu-check.json and gpu-check.md into the folder (outputs/gpu-check). A part that fails does not stop
 * the others, unless they need it; the exit code is then 1. The program must be built (`npm run build`).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const { device = 'cuda', output = 'outputs/gpu-check' } = words;
const base = words.model ?? join(output, 'base');
const program = 'dist/cli/main.js';
const parts = [];

/** Runs one command; its last line of standard output is its result. */
function run(name, args) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
  const last = stdout.trim().split('\n').at(-1) ?? '';
  const error =
    stderr
      .trim()
      .split('\n')
      .findLast((line) => line.startsWith('error:')) ?? null;
  const part = {
    name,
    ok: status === 0,
    seconds,
    command: args.join(' '),
    result: jsonOf(last),
    error,
  };
  parts.push(part);
  console.error(
    `${part.ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${error === null ? '' : ` ${error}`}`,
  );
  return part;
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A part that compares files that parts before it wrote. */
function check(name, ok, result) {
  parts.push({ name, ok, seconds: 0, command: '', result, error: null });
  console.error(`${ok ? 'ok    ' : 'FAILED'} ${name}: ${JSON.stringify(result)}`);
}

const rowsOf = (name) =>
  readFileSync(join(output, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Largest and mean difference of the log-probabilities in two files of `score`. */
function gapsOf(one, other) {
  const [a, b] = [rowsOf(one), rowsOf(other)];
  const gaps = a.flatMap(({ logprobs }, i) =>
    logprobs.map((value, t) => Math.abs(value - b[i].logprobs[t])),
  );
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return { tokens: gaps.length, largest: Math.max(...gaps), mean };
}

function parity() {
  const result = gapsOf('score-cpu.jsonl', 'score-device.jsonl');
  const ok = result.tokens > 0 && result.largest <= 1e-3;
  check('CPU against device, |Δ log p| <= 1e-3', ok, result);
}

/**
 * Log-probabilities of rollouts on the device beside those of the CPU in float32, and the same prompts continued
 * greedily: rounding may change a token where two are about as likely, and all that follow.
 */
function rollouts(input) {
  const sides = {
    cpu: ['rollout_device=cpu', 'rollout_precision=float32'],
    device: [`rollout_device=${device === 'cpu' ? 'cpu' : 'cuda'}`],
  };
  const done = Object.entries(sides).flatMap(([where, choice]) => {
    const keys = [`model=${base}`, `input=${input}`, ...choice, 'overwrite=true'];
    const file = (name) => `output=${join(output, `${name}-rollouts-${where}.jsonl`)}`;
    const greedy = ['temperature=0', 'max_new_tokens=16', 'prompt_template={text}'];
    return [
      run(`rollout score, ${where}`, ['score', ...keys, file('score')]),
      run(`greedy rollouts, ${where}`, ['generate', ...keys, ...greedy, file('greedy')]),
    ];
  });
  if (!done.every(({ ok }) => ok)) return;
  const gaps = gapsOf('score-rollouts-cpu.jsonl', 'score-rollouts-device.jsonl');
  const isClose = gaps.tokens > 0 && gaps.mean <= 0.05;
  check('rollouts, CPU against device, mean |Δ log p| <= 0.05', isClose, gaps);
  const [cpu, other] = ['cpu', 'device'].map((where) => rowsOf(`greedy-rollouts-${where}.jsonl`));
  const firstOf = ({ completion_ids: ids }) => ids[0];
  const same = cpu.filter((row, i) => firstOf(row) === firstOf(other[i])).length;
  const result = { rows: cpu.length, same_first_token: same };
  check('greedy rollouts, first tokens the same in 9 of 10', same >= 0.9 * cpu.length, result);
}

function trainings() {
  const data = join(output, 'data');
  const rows = join(data, 'train.jsonl');
  run('data', ['data', 'arithmetic', `output_dir=${data}`, 'seed=1', 'overwrite=true']);
  if (words.model === undefined) {
    const keys = [`output=${base}`, `tokenizer.corpus=["${rows}"]`, 'overwrite=true'];
    run('init-model', ['init-model', 'configs/quickstart/init-model.yaml', ...keys]);
  }
  const texts = Array.from({ length: 16 }, (_, i) => ({
    text: `${i} + ${i} = ${2 * i}, and so on`,
  }));
  const input = join(output, 'texts.jsonl');
  writeFileSync(input, texts.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const score = [
    'score',
    `model=${base}`,
    `input=${input}`,
    'engine=tensorflow',
    'compute_dtype=float32',
  ];
  const scored = [
    ['cpu', 'cpu'],
    ['device', device],
  ].map(([name, where]) =>
    run(`score on ${where}`, [
      ...score,
      `device=${where}`,
      `output=${join(output, `score-${name}.jsonl`)}`,
      'overwrite=true',
    ]),
  );
  if (scored.every(({ ok }) => ok)) parity();
  rollouts(input);
  const common = [
    `model=${base}`,
    'prompt_template={prompt}',
    `device=${device}`,
    'report_to=none',
    'overwrite=true',
  ];
  run('sft', [
    'sft',
    ...common,
    `dataset.path=${rows}`,
    'max_steps=20',
    'learning_rate=1e-3',
    `output_dir=${join(output, 'sft')}`,
  ]);
  run('grpo', [
    'grpo',
    ...common,
    `dataset.path=${rows}`,
    'max_steps=4',
    'max_completion_length=32',
    `output_dir=${join(output, 'grpo')}`,
  ]);
  const pairs = join(output, 'pairs.jsonl');
  const pair = (i) => ({ question: `${i}+1?`, chosen: String(i + 1), rejected: String(i) });
  writeFileSync(
    pairs,
    Array.from({ length: 32 }, (_, i) => `${JSON.stringify(pair(i))}\n`).join(''),
  );
  run('dpo', [
    'dpo',
    ...common,
    `dataset.path=${pairs}`,
    'max_steps=4',
    `output_dir=${join(output, 'dpo')}`,
  ]);
}

function benchmarks() {
  const help = spawnSync(process.execPath, [program, 'bench', '--help'], {
    encoding: 'utf8',
  }).stdout;
  for (const name of ['sft', 'dpo', 'grpo']) {
    if (!new RegExp(`\\b${name}\\b`).test(help)) continue;
    run(`bench ${name}`, ['bench', name, `model=${base}`, `device=${device}`]);
  }
}

function page() {
  const lines = parts.map(({ name, ok, seconds, result, error }) => {
    const shown = error ?? (result === null ? '' : JSON.stringify(result).slice(0, 300));
    return `| ${name} | ${ok ? 'ok' : 'FAILED'} | ${seconds} | ${shown.replaceAll('|', '\\|')} |`;
  });
  const head = ['| part | | seconds | result |', '| --- | --- | --- | --- |'];
  return [`# GPU check, device=${device}`, '', ...head, ...lines, ''].join('\n');
}

if (!existsSync(program)) {
  console.error('error: the program is not built. Run `npm run build`');
  process.exit(2);
}
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const isReady = run('setup', ['setup', `device=${device}`, '--json']).ok;
run('doctor', ['doctor', `device=${device}`, '--json']);
if (isReady) {
  trainings();
  benchmarks();
}
const ok = parts.every((part) => part.ok);
writeFileSync(
  join(output, 'gpu-check.json'),
  `${JSON.stringify({ device, ok, parts }, null, 2)}\n`,
);
writeFileSync(join(output, 'gpu-check.md'), page());
console.error(
  `${ok ? 'all parts are well' : 'parts have failed'}: ${join(output, 'gpu-check.md')}`,
);
process.exitCode = ok ? 0 : 1;
