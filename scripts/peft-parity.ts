/**
 * Lorikeet against transformers and PEFT, in both directions: checkpoints by `init-model`, adapters and full
 * weights by `sft`, and adapters saved by peft. For each, keys that are missing or unexpected on their side,
 * the largest difference of all logits and of the log-probabilities that `lorikeet score` gives, and how far
 * the logits have moved from those of the untrained checkpoint. Prints a table; exit code 1 on a key, beyond
 * 1e-4, or when nothing has moved. Takes some minutes on two cores.
 *
 *   PYTHON=venv/bin/python npx tsx scripts/peft-parity.ts [FOLDER]
 *
 * PYTHON needs torch, transformers and peft. FOLDER keeps the models; it must be new or empty.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeArithmetic } from '../src/data/index.js';
import { loraFromAdapter, NO_LORA, Policy, planLora, readSpec } from '../src/model/index.js';
import { EMBEDDING, LM_HEAD } from '../src/model/spec.js';
import { readJsonl, toJsonl, writeFileAtomic } from '../src/util/files.js';
import { Rng } from '../src/util/rng.js';
import {
  fromFloat32,
  type HostTensor,
  openCheckpoint,
  readAdapter,
  toFloat32,
} from '../src/weights/index.js';

const TOLERANCE = 1e-4;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LENGTHS = [2, 9, 24, 40];

/** What one model is on both sides. */
interface Case {
  readonly name: string;
  readonly base: string;
  readonly adapter: string | null;
  /** Arguments with which the Python side makes the adapter itself. */
  readonly make?: readonly string[];
}

interface Theirs {
  readonly base: Readonly<Record<string, readonly string[]>>;
  readonly adapter?: Readonly<Record<string, readonly string[]>>;
  readonly rows: readonly { readonly logprobs: number[]; readonly logits: number[][] }[];
}

interface Outcome {
  readonly name: string;
  readonly keys: number;
  readonly moved: number;
  readonly logits: number;
  readonly tensorflow: number;
  readonly onnxruntime: number;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (status === 0 || (status === 1 && stdout.startsWith('{"base"'))) return stdout;
  throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stderr}`);
}

const lorikeet = (...args: readonly string[]): string =>
  run(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args]);

/** Logits and log-probabilities by transformers and peft, and keys that do not match. */
function theirs({ base, adapter, make }: Case, ids: readonly (readonly number[])[]): Theirs {
  const args = ['--base', base, '--ids', JSON.stringify(ids), '--logits'];
  if (adapter !== null) args.push('--adapter', adapter);
  if (make !== undefined) args.push('--make', ...make);
  const python = process.env.PYTHON ?? 'python3';
  return JSON.parse(run(python, ['scripts/peft-check.py', ...args])) as Theirs;
}

/** Appends a row of zeros to a matrix. */
function withZeroRow(tensor: HostTensor): HostTensor {
  const [rows, columns] = tensor.shape as [number, number];
  const values = new Float32Array((rows + 1) * columns);
  values.set(toFloat32(tensor));
  return fromFloat32(values, [rows + 1, columns]);
}

/**
 * All logits of each sequence, [length · V]. A policy gives log-probabilities; one more token, whose row in
 * the output head is zero, has logit 0, so that differences to its log-probability are the logits.
 */
async function ourLogits(
  { base, adapter }: Case,
  ids: readonly (readonly number[])[],
): Promise<number[][]> {
  const known = readSpec(base);
  const vocabulary = known.vocabSize;
  const spec = { ...known, vocabSize: vocabulary + 1 };
  const checkpoint = openCheckpoint(base);
  const weights = (name: string): HostTensor => {
    const tensor = checkpoint.read(name);
    return name === EMBEDDING || name === LM_HEAD ? withZeroRow(tensor) : tensor;
  };
  const loaded = adapter === null ? null : readAdapter(adapter);
  const lora = loaded === null ? NO_LORA : planLora(spec, loaded.config);
  const initialLora = loaded === null ? [] : loraFromAdapter(lora, loaded);
  const policy = new Policy({ spec, weights, lora, initialLora, checkpointedLayers: 0 });
  const out: number[][] = [];
  for (const sequence of ids) {
    const size = sequence.length * spec.vocabSize;
    const scores = await policy.score({
      ids: Int32Array.from(sequence),
      runs: [{ start: 0, length: sequence.length, prefix: -1 }],
      predictors: Int32Array.from({ length: size }, (_, i) => Math.floor(i / spec.vocabSize)),
      targets: Int32Array.from({ length: size }, (_, i) => i % spec.vocabSize),
    });
    const logp = (t: number, id: number) => scores[3 * (t * spec.vocabSize + id)]!;
    out.push(
      sequence.flatMap((_, t) =>
        Array.from({ length: vocabulary }, (_, id) => logp(t, id) - logp(t, vocabulary)),
      ),
    );
  }
  policy.dispose();
  checkpoint.close();
  return out;
}

function largestGap(ours: readonly number[], expected: readonly number[]): number {
  if (ours.length !== expected.length) return Number.POSITIVE_INFINITY;
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}

async function compare(what: Case, folder: string, start: Case): Promise<Outcome> {
  const { vocabSize } = readSpec(what.base);
  const rng = Rng.of('peft-parity');
  const ids = LENGTHS.map((n) => Array.from({ length: n }, () => rng.int(0, vocabSize - 1)));
  const expected = theirs(what, ids);
  const found = [...Object.values(expected.base), ...Object.values(expected.adapter ?? {})];
  const input = join(folder, 'ids.jsonl');
  writeFileAtomic(input, toJsonl(ids.map((row) => ({ ids: row }))));
  const scored = (engine: string): number => {
    const output = join(folder, 'scores.jsonl');
    const keys = [`model=${what.adapter ?? what.base}`, `input=${input}`, `output=${output}`];
    lorikeet('score', ...keys, `engine=${engine}`, 'compute_dtype=float32', 'overwrite=true');
    const ours = readJsonl(output).flatMap(({ logprobs }) => logprobs as number[]);
    return largestGap(
      ours,
      expected.rows.flatMap(({ logprobs }) => logprobs),
    );
  };
  const logits = (await ourLogits(what, ids)).flat();
  const before = (await ourLogits(start, ids)).flat();
  return {
    name: what.name,
    keys: found.flat().length,
    moved: largestGap(logits, before),
    logits: largestGap(
      logits,
      expected.rows.flatMap((row) => row.logits.flat()),
    ),
    tensorflow: scored('tensorflow'),
    onnxruntime: scored('onnxruntime'),
  };
}

const TRAINING = [
  'prompt_template={prompt}',
  'max_steps=6',
  'learning_rate=1e-2',
  'per_device_train_batch_size=8',
  'compute_dtype=float32',
];
const SELECTED = [
  'lora.target_modules=[q_proj, v_proj, up_proj, down_proj]',
  'lora.rank_pattern={v_proj: 3}',
  'lora.alpha_pattern={down_proj: 5}',
  'lora.use_rslora=true',
];

/** Makes the models of a family by the command line and names what is to be compared. */
function casesOf(family: string, { folder, rows }: { folder: string; rows: string }): Case[] {
  const dir = join(folder, family);
  const base = join(dir, 'base');
  const architecture = [
    `model_type=${family}`,
    'hidden_size=64',
    'num_attention_heads=4',
    'num_key_value_heads=2',
    'initializer_range=0.15',
    `tie_word_embeddings=${family === 'qwen2'}`,
  ].map((key) => `architecture.${key}`);
  lorikeet('init-model', `output=${base}`, `tokenizer.corpus=["${rows}"]`, ...architecture);
  const sft = (name: string, ...keys: readonly string[]): string => {
    const run = [`model=${base}`, `dataset.path=${rows}`, `output_dir=${join(dir, name)}`];
    lorikeet('sft', ...run, ...TRAINING, ...keys);
    return join(dir, name, 'model');
  };
  const name = (what: string) => `${family}: ${what}`;
  return [
    { name: name('init-model'), base, adapter: null },
    { name: name('sft, all linears'), base, adapter: sft('lora') },
    { name: name('sft, rsLoRA, patterns'), base, adapter: sft('patterns', ...SELECTED) },
    { name: name('sft, full weights'), base: sft('full', 'use_lora=false'), adapter: null },
    {
      name: name('peft, all linears'),
      base,
      adapter: join(dir, 'peft'),
      make: ['--r', '8', '--alpha', '16'],
    },
    {
      name: name('peft, rsLoRA on q and v'),
      base,
      adapter: join(dir, 'peft-qv'),
      make: ['--r', '3', '--alpha', '4', '--rslora', '--targets', 'q_proj,v_proj'],
    },
  ];
}

const number = (value: number): string => value.toExponential(1);

async function main(): Promise<void> {
  const kept = process.argv[2];
  const folder = kept === undefined ? mkdtempSync(join(tmpdir(), 'peft-parity-')) : resolve(kept);
  const rows = join(folder, 'rows.jsonl');
  writeFileAtomic(rows, toJsonl(makeArithmetic({ seed: 1, train: 64, test: 8 }).train));
  const line = (cells: readonly string[]) =>
    console.log(cells.map((text, i) => (i === 0 ? text.padEnd(30) : text.padStart(12))).join(''));
  line(['largest difference', 'bad keys', 'moved', 'logits', 'tensorflow', 'onnxruntime']);
  let isGood = true;
  for (const family of ['llama', 'qwen2']) {
    const cases = casesOf(family, { folder, rows });
    const start = cases[0]!;
    for (const what of cases) {
      const outcome = await compare(what, folder, start);
      const { name, keys, moved, logits, tensorflow, onnxruntime } = outcome;
      line([name, String(keys), ...[moved, logits, tensorflow, onnxruntime].map(number)]);
      const isClose = Math.max(logits, tensorflow, onnxruntime) <= TOLERANCE;
      isGood &&= keys === 0 && isClose && (what === start || moved > 100 * TOLERANCE);
    }
  }
  if (kept === undefined) rmSync(folder, { recursive: true });
  console.log(isGood ? `all within ${TOLERANCE}` : `not within ${TOLERANCE}`);
  process.exitCode = isGood ? 0 : 1;
}

await main();
