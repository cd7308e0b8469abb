/** What the tests train: a tiny decoder with a byte tokenizer, a few dozen arithmetic rows, and pairs of them. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { initModelSchema, loadConfig } from '../../src/config/index.js';
import type { ArithmeticRow } from '../../src/data/arithmetic.js';
import { makeArithmetic } from '../../src/data/index.js';
import { runInitModel } from '../../src/recipes/init-model.js';
import { toJsonl, writeFileAtomic } from '../../src/util/files.js';
import { SILENT } from './context.js';
import { temporaryFolder } from './temporary.js';

/** Full training that has the format in about half of the samples after 36 steps. */
export const FORMAT_KEYS = [
  'use_lora=false',
  'per_device_train_batch_size=8',
  'gradient_accumulation_steps=2',
  'learning_rate=1e-2',
  'lr_scheduler_type=constant',
] as const;

const TAGS = ['[', ']', '{', '}'] as const;

const ARCHITECTURE = [
  'hidden_size=32',
  'intermediate_size=96',
  'num_hidden_layers=2',
  'num_attention_heads=4',
  'num_key_value_heads=2',
  'head_dim=16',
  'max_position_embeddings=128',
  'initializer_range=0.08',
];

/** A copy of a model folder whose texts end with token 7 as well. @returns `to` */
export function withOtherEnds(model: string, to: string): string {
  cpSync(model, to, { recursive: true });
  writeFileSync(join(to, 'generation_config.json'), JSON.stringify({ eos_token_id: [0, 7] }));
  return to;
}

/**
 * The checkpoint, the rows and the pairs in `dir`, made before the tests of a file or of a block.
 * `base`: the checkpoint, untrained; `keys` are those that every trainer gets: the template, short tags, the data
 * set, the threads.
 * @param architecture Keys of `init-model` that the checkpoint has besides.
 */
export function tinyTraining(dir = temporaryFolder(), architecture: readonly string[] = []) {
  const base = join(dir, 'base');
  const rows = join(dir, 'rows.jsonl');
  const pairs = join(dir, 'pairs.jsonl');
  beforeAll(async () => {
    const { train } = makeArithmetic({ seed: 1, train: 40, test: 8, carefulShare: 0.3 });
    writeFileAtomic(rows, toJsonl(train));
    writeFileAtomic(pairs, toJsonl(train.map(pairOf)));
    const overrides = [
      ...[`output=${base}`, `tokenizer.corpus=["${rows}"]`, 'tokenizer.vocab_size=400'],
      `tokenizer.added_tokens=${JSON.stringify(TAGS)}`,
      ...[...ARCHITECTURE, ...architecture].map((key) => `architecture.${key}`),
    ];
    await runInitModel(loadConfig(initModelSchema, { overrides }), SILENT);
  }, 120_000);
  const names = ['reasoning_start', 'reasoning_end', 'solution_start', 'solution_end'];
  const tags = names.map((name, i) => `${name}="${TAGS[i]}"`);
  const keys = ['prompt_template={prompt}', `dataset.path=${rows}`, 'threads=2', ...tags];
  return { base, rows, pairs, keys } as const;
}

const pairOf = ({ question, a, b }: ArithmeticRow, i: number) => ({
  question,
  chosen: `[${a}+${b}]{${a + b}}`,
  rejected: i % 2 === 0 ? `{${a}}` : `[${a}+${b}=${a}${b}]{${b}} or so`,
});
