/** Shapes of published models, and checkpoints of random weights in them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { specFromConfig } from '../../src/model/index.js';
import { parameterShapes } from '../../src/model/spec-modules.js';
import { loadTokenizer, writeByteTokenizer } from '../../src/tokenizer/index.js';
import { InputError } from '../../src/util/errors.js';
import { type JsonRow, writeJson } from '../../src/util/files.js';
import { Rng } from '../../src/util/rng.js';
import { fromFloat32, type HostTensor, writeCheckpoint } from '../../src/weights/index.js';

const LLAMA = { architectures: ['LlamaForCausalLM'], model_type: 'llama' };
const QWEN = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  rope_theta: 1e6,
  rms_norm_eps: 1e-6,
  max_position_embeddings: 32_768,
};

/** Fields of config.json, from the models' own on the Hugging Face hub; `tiny` is for trying the script. */
const SHAPES: Readonly<Record<string, JsonRow>> = {
  tiny: {
    ...LLAMA,
    hidden_size: 64,
    intermediate_size: 192,
    num_hidden_layers: 2,
    vocab_size: 512,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
    rope_theta: 1e4,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 8192,
  },
  'SmolLM2-135M': {
    ...LLAMA,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    vocab_size: 49_152,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    tie_word_embeddings: true,
    rope_theta: 1e5,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 8192,
  },
  'Qwen2.5-1.5B': {
    ...QWEN,
    hidden_size: 1536,
    intermediate_size: 8960,
    num_hidden_layers: 28,
    vocab_size: 151_936,
    num_attention_heads: 12,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
  },
  'Qwen2.5-7B': {
    ...QWEN,
    hidden_size: 3584,
    intermediate_size: 18_944,
    num_hidden_layers: 28,
    vocab_size: 152_064,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    tie_word_embeddings: false,
  },
};

/** @throws InputError for a name that is not there. */
export function shapeOf(name: string): JsonRow {
  const shape = Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined;
  if (shape !== undefined) return shape;
  const known = Object.keys(SHAPES).join(', ');
  throw new InputError({ where: `shape ${name}`, problem: 'not known', remedy: `Give ${known}` });
}

/** Questions as the peers ask them, so that a tokenizer learnt from them makes prompts of a usual length. */
const CORPUS = Array.from(
  { length: 200 },
  (_, i) =>
    `Question: A shop sells ${7 * i + 3} boxes at $${i % 97} each. How many dollars? Answer:`,
);

/** Tokens of a question, which the peer's GRPO asks alike. @param model Folder of `withCheckpoint` */
export async function questionTokens(model: string): Promise<number> {
  const tokenizer = await loadTokenizer(model);
  const tokens = CORPUS.reduce((sum, question) => sum + tokenizer.encode(question).length, 0);
  return Math.round(tokens / CORPUS.length);
}

const SHARD_BYTES = 4e9;
const DEVIATION = 0.02;

/**
 * A checkpoint in bfloat16 with a tokenizer. All matrices are views of one block of random numbers, which repeats a
 * smaller one: 15 GB are written in seconds, and a block as large as the largest matrix is held in memory.
 */
async function writeRandomCheckpoint(dir: string, name: string): Promise<void> {
  writeByteTokenizer(dir, { vocabSize: 512, corpus: CORPUS });
  const { bosId, eosId, padId } = await loadTokenizer(dir);
  const ids = { bos_token_id: bosId, eos_token_id: eosId, pad_token_id: padId };
  const config = { ...shapeOf(name), ...ids, torch_dtype: 'bfloat16' };
  const shapes = [...parameterShapes(specFromConfig(join(dir, 'config.json'), config))];
  const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const matrices = shapes.filter(([, shape]) => shape.length === 2);
  const block = randomBlock(Math.max(...matrices.map(([, shape]) => sizeOf(shape))));
  const tensors = shapes.map(([tensor, shape]): [string, HostTensor] => {
    const size = sizeOf(shape);
    if (shape.length === 2) {
      return [tensor, { dtype: 'bfloat16', shape, bytes: block.subarray(0, 2 * size) }];
    }
    const values = new Float32Array(size).fill(tensor.endsWith('.bias') ? 0 : 1);
    return [tensor, fromFloat32(values, shape, 'bfloat16')];
  });
  writeCheckpoint(dir, new Map(tensors), { maxShardBytes: SHARD_BYTES });
  writeJson(join(dir, 'config.json'), config);
}

/** Normal numbers in bfloat16, of a prime count that repeats, so that rows of a matrix differ. */
function randomBlock(size: number): Uint8Array {
  const rng = Rng.of('gpu-check');
  const values = Float32Array.from({ length: 1_000_003 }, () => DEVIATION * rng.normal());
  const { bytes } = fromFloat32(values, [values.length], 'bfloat16');
  const block = new Uint8Array(2 * size);
  for (let at = 0; at < block.length; at += bytes.length) {
    block.set(bytes.subarray(0, Math.min(bytes.length, block.length - at)), at);
  }
  return block;
}

/** A checkpoint for as long as it is used. */
export async function withCheckpoint<T>(
  folder: string,
  name: string,
  use: (model: string) => Promise<T>,
): Promise<T> {
  const model = join(folder, 'models', name);
  try {
    await writeRandomCheckpoint(model, name);
    return await use(model);
  } finally {
    rmSync(model, { recursive: true, force: true });
  }
}
