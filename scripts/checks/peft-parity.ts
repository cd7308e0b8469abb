/**
 * Lorikeet against transformers and PEFT, in both directions: checkpoints by `init-model`, adapters and full
 * weights by `sft`, merged weights by `export`, and adapters saved by peft. For each, keys that are missing or
 * unexpected on their side, the largest difference of the logits' log-softmax and of the log-probabilities that
 * `lorikeet score` gives, and how far it has moved from the untrained checkpoint's. Prints a table; exit code 1
 * on a key, beyond 1e-4, or when nothing has moved. Takes many minutes on two cores.
 *
 *   PYTHON=venv/bin/python npx tsx scripts/checks/peft-parity.ts [FOLDER [FAMILY …]]
 *
 * PYTHON needs torch, transformers and peft. FOLDER keeps the models; it must be new or empty.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODEL_TYPES } from '../../src/config/index.js';
import { makeArithmetic } from '../../src/data/index.js';
import {
  fromStored,
  loraFromAdapter,
  NO_LORA,
  Policy,
  planLora,
  readSpec,
} from '../../src/model/index.js';
import { readJsonl, toJsonl, writeFileAtomic } from '../../src/util/files.js';
import { Rng } from '../../src/util/rng.js';
import { openCheckpoint, readAdapter } from '../../src/weights/index.js';

const TOLERANCE = 1e-4;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
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
  return JSON.parse(run(python, ['scripts/checks/peft_scores.py', ...args])) as Theirs;
}

/** log-softmax of logits over the vocabulary. */
function logSoftmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, z) => sum + Math.exp(z - top), 0)) + top;
  return logits.map((z) => z - total);
}

/** log p of every token at every position of each sequence, [length · V]. */
async function ourLogps(
  { base, adapter }: Case,
  ids: readonly (readonly number[])[],
): Promise<number[][]> {
  const spec = readSpec(base);
  const checkpoint = openCheckpoint(base);
  const weights = fromStored(spec, checkpoint);
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
    out.push(Array.from({ length: size }, (_, i) => scores[3 * i]!));
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
  const logits = (await ourLogps(what, ids)).flat();
  const before = (await ourLogps(start, ids)).flat();
  return {
    name: what.name,
    keys: found.flat().length,
    moved: largestGap(logits, before),
    logits: largestGap(
      logits,
      expected.rows.flatMap((row) => row.logits.flatMap(logSoftmax)),
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

const TIED: ReadonlySet<string> = new Set([
  ...['qwen2', 'smollm3'],
  ...['gemma', 'gemma2', 'gemma3_text', 'vaultgemma'],
]);

/** Families whose softmax scale has a field, with a default for heads of 256. */
const SCALED: ReadonlySet<string> = new Set(['gemma2', 'gemma3_text', 'vaultgemma']);

/** Kinds of LoRA, by the keys that ask for them. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  everything: ['lora.use_dora=true', 'lora.modules_to_save=[embed_tokens, norm]'],
  dora: ['lora.use_dora=true', 'lora.loraplus_lr_ratio=4'],
  'save-head': ['lora.modules_to_save=[lm_head]'],
  bias: ['lora.bias=all', 'lora.target_modules=[o_proj]'],
  'bias-lora-only': ['lora.bias=lora_only', 'lora.target_modules=.*(q|o)_proj'],
  pissa: ['lora.init_lora_weights=pissa'],
  'pissa-niter': ['lora.init_lora_weights=pissa_niter_4', 'lora.use_rslora=true'],
};

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
    'head_dim=16',
    'num_hidden_layers=3',
    `tie_word_embeddings=${TIED.has(family)}`,
    ...(SCALED.has(family) ? ['config.query_pre_attn_scalar=16'] : []),
    ...(family === 'smollm3' ? ['config.no_rope_layers=[1, 0, 1]'] : []),
  ].map((key) => `architecture.${key}`);
  lorikeet('init-model', `output=${base}`, `tokenizer.corpus=["${rows}"]`, ...architecture);
  const sft = (name: string, ...keys: readonly string[]): string => {
    const run = [`model=${base}`, `dataset.path=${rows}`, `output_dir=${join(dir, name)}`];
    lorikeet('sft', ...run, ...TRAINING, ...keys);
    return join(dir, name, 'model');
  };
  const name = (what: string) => `${family}: ${what}`;
  const plain = [
    { name: name('init-model'), base, adapter: null },
    { name: name('sft, all linears'), base, adapter: sft('lora') },
  ];
  if (!['llama', 'qwen2'].includes(family)) return plain;
  const variants = Object.entries(VARIANTS)
    .filter(([, keys]) => family === 'qwen2' || !keys.some((key) => key.startsWith('lora.bias')))
    .map(([what, keys]) => ({ name: name(what), base, adapter: sft(what, ...keys) }));
  const merged = join(dir, 'merged');
  const [adapted] = variants as [Case];
  lorikeet('export', `model=${adapted.adapter}`, `output=${merged}`, 'dtype=float32');
  return [
    ...plain,
    ...variants,
    { name: name(`export of ${adapted.name}`), base: merged, adapter: null },
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
    console.log(cells.map((text, i) => (i === 0 ? text.padEnd(40) : text.padStart(12))).join(''));
  line(['largest difference', 'bad keys', 'moved', 'logits', 'tensorflow', 'onnxruntime']);
  let isGood = true;
  const families = process.argv.length > 3 ? process.argv.slice(3) : MODEL_TYPES;
  for (const family of families) {
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
