/**
 * Measures Lorikeet beside its peers on this machine and renews this machine's part of docs/benchmarks.md.
 *
 *   npm run build
 *   PYTHON=venv/bin/python npx tsx scripts/benchmarks/run.ts [NAME …]
 *
 * Without names everything is measured. Each round (ROUNDS of them) measures all sides of a case in turn,
 * so that a slow spell of the machine meets both. The Python needs torch, transformers, trl, peft, accelerate
 * and datasets; LORIKEET_DATA names a folder with gsm8k/train.jsonl.gz. Nothing else should run meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hasBfloat16Products } from '../../src/util/processor.js';
import { resultOf } from '../measuring.js';
import { CASES, type Case, type Side } from './cases.js';
import { keepMeasured, type Measured, type Measurement, today } from './results.js';

const python = process.env.PYTHON ?? 'python3';
const scratch = mkdtempSync(join(os.tmpdir(), 'lorikeet-benchmarks-'));
const model = process.env.BENCH_MODEL ?? join(scratch, 'model');
/** The same weights with a tokenizer that texts have their usual lengths by. */
const textModel = process.env.BENCH_TEXT_MODEL ?? join(scratch, 'text-model');
const rows = join(scratch, 'rows.jsonl');
const ROWS = 256;
const rounds = Number(process.env.ROUNDS ?? 2);

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  if (result.status === 0) return result.stdout;
  throw new Error(
    `${program} ${args.join(' ')}: exit ${result.status}\n${result.stderr.slice(-2000)}`,
  );
}

function prepare(): void {
  const data = process.env.LORIKEET_DATA;
  if (data === undefined) throw new Error('LORIKEET_DATA is not set: the rows of GSM8K are needed');
  const text = gunzipSync(readFileSync(join(data, 'gsm8k/train.jsonl.gz'))).toString('utf8');
  writeFileSync(rows, `${text.split('\n').slice(0, ROWS).join('\n')}\n`);
  const make = 'scripts/peers/make_checkpoint.py';
  if (!existsSync(model)) run(python, [make, model]);
  if (existsSync(textModel)) return;
  const corpus = join(scratch, 'corpus.jsonl');
  writeFileSync(corpus, text);
  run(python, [make, textModel, '--corpus', corpus]);
}

const filled = (args: readonly string[]): string[] =>
  args.map((arg) =>
    arg.replace('$TEXTMODEL', textModel).replace('$MODEL', model).replace('$ROWS', rows),
  );

/** One epoch by the trainer itself: the seconds of its steps, without loading. */
function trainRows(): Record<string, unknown> {
  const messages = join(scratch, 'messages.jsonl');
  const lines = readFileSync(rows, 'utf8').trim().split('\n');
  const chats = lines.map((line) => {
    const { question, answer } = JSON.parse(line) as { question: string; answer: string };
    return {
      messages: [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ],
    };
  });
  writeFileSync(messages, chats.map((chat) => `${JSON.stringify(chat)}\n`).join(''));
  const out = mkdtempSync(join(scratch, 'rows-'));
  run('node', [
    'dist/cli/main.js',
    'sft',
    `model=${textModel}`,
    `dataset=${messages}`,
    'num_train_epochs=1',
    'max_length=1024',
    'learning_rate=1e-4',
    'per_device_train_batch_size=8',
    'lora.r=16',
    'lora.lora_alpha=32',
    'lora.lora_dropout=0',
    'lora.target_modules=all-linear',
    `output_dir=${out}/run`,
  ]);
  const metrics = readFileSync(join(out, 'run/metrics.jsonl'), 'utf8').trim().split('\n');
  const steps = metrics.map((line) => JSON.parse(line) as Record<string, number>);
  const seconds = steps.reduce((sum, step) => sum + step.step_time!, 0);
  const tokens = steps.at(-1)!.num_tokens!;
  return {
    rows: ROWS,
    tokens,
    seconds: Number(seconds.toFixed(1)),
    tokens_per_s: tokens / seconds,
  };
}

function measure(side: Side): Measurement {
  const args = filled(side.args);
  const started = Date.now();
  let result: Record<string, unknown>;
  if (side.args[0] === 'rows') result = trainRows();
  else {
    const out =
      side.command === 'lorikeet'
        ? run('node', ['dist/cli/main.js', ...args], side.env)
        : run(python, [join('scripts/peers', args[0]!), ...args.slice(1)]);
    const printed = resultOf(out);
    if (printed === null) throw new Error(`${side.name}: its last line is no JSON object`);
    result = printed;
  }
  process.stderr.write(
    `  ${side.name}: ${JSON.stringify(result)} (${(Date.now() - started) / 1000} s)\n`,
  );
  const program = side.command === 'lorikeet' ? 'npx lorikeet' : 'python scripts/peers/';
  const variables = Object.entries(side.env ?? {}).map(([name, value]) => `${name}=${value} `);
  const command =
    side.args[0] === 'rows'
      ? 'npx lorikeet sft (one epoch; see scripts/benchmarks/run.ts)'
      : `${variables.join('')}${program}${side.command === 'lorikeet' ? ' ' : ''}${side.args.join(' ')}`;
  return { name: side.name, command, result };
}

/** The best round of a side, with the figures of all. */
function best({ field, higherIsBetter }: Case, runs: readonly Measurement[]): Measurement {
  const sign = higherIsBetter ? -1 : 1;
  const value = ({ result }: Measurement) => result[field] as number;
  const [first] = [...runs].sort((a, b) => sign * (value(a) - value(b)));
  return { ...first!, rounds: runs.map(value) };
}

function measured(wanted: Case): Measured {
  process.stderr.write(`${wanted.title}\n`);
  const possible = ({ bfloat16 }: Side) => bfloat16 !== true || hasBfloat16Products();
  const ours = wanted.ours.filter(possible);
  const peers = wanted.peers.filter(possible);
  const sides = [...ours, ...peers];
  const runs = Array.from({ length: rounds }, () => sides.map(measure));
  const bests = sides.map((_, side) =>
    best(
      wanted,
      runs.map((round) => round[side]!),
    ),
  );
  return {
    name: wanted.name,
    date: today(),
    versions: `Node ${process.versions.node}, ${peerVersions}`,
    ours: bests.slice(0, ours.length),
    peers: bests.slice(ours.length),
  };
}

prepare();
const peerVersions = run(python, [
  '-c',
  'import torch, transformers, trl, peft; print(f"torch {torch.__version__}, transformers {transformers.__version__}, trl {trl.__version__}, peft {peft.__version__}")',
]).trim();
const names = process.argv.slice(2);
const unknown = names.filter((name) => !CASES.some((wanted) => wanted.name === name));
if (unknown.length > 0)
  throw new Error(
    `no case ${unknown.join(', ')}: there are ${CASES.map(({ name }) => name).join(', ')}`,
  );
for (const wanted of CASES)
  if (names.length === 0 || names.includes(wanted.name)) keepMeasured(measured(wanted));
