/** `lorikeet init-model`: a random checkpoint in Hugging Face layout that transformers loads. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { InitModelConfig } from '../config/index.js';
import { randomWeights, specFromConfig } from '../model/index.js';
import { copyTokenizerFiles, loadTokenizer, writeByteTokenizer } from '../tokenizer/index.js';
import { InputError } from '../util/errors.js';
import { readJsonl, writeJson } from '../util/files.js';
import { writeCheckpoint } from '../weights/index.js';
import type { RecipeContext } from './context.js';

export interface InitModelResult {
  readonly output: string;
  readonly parameters: number;
  readonly vocab_size: number;
}

/** Embedding rows are rounded up to a multiple of this. */
const VOCAB_MULTIPLE = 8;

export async function runInitModel(
  config: InitModelConfig,
  { log }: RecipeContext,
): Promise<InitModelResult> {
  const { output, architecture } = config;
  clearOutput(output, config.overwrite);
  await writeTokenizer(config);
  const tokenizer = await loadTokenizer(output);
  const vocabSize = Math.ceil(tokenizer.vocabSize / VOCAB_MULTIPLE) * VOCAB_MULTIPLE;
  const { num_key_value_heads: keyHeads, head_dim: headDim, ...rest } = architecture;
  const json = {
    architectures: [architecture.model_type === 'qwen2' ? 'Qwen2ForCausalLM' : 'LlamaForCausalLM'],
    ...rest,
    num_key_value_heads: keyHeads ?? architecture.num_attention_heads,
    head_dim: headDim ?? architecture.hidden_size / architecture.num_attention_heads,
    hidden_act: 'silu',
    vocab_size: vocabSize,
    bos_token_id: tokenizer.bosId,
    eos_token_id: tokenizer.eosId,
    pad_token_id: tokenizer.padId,
    torch_dtype: config.dtype,
  };
  const spec = specFromConfig(join(output, 'config.json'), json);
  const { seed, dtype } = config;
  const weights = randomWeights(spec, { seed, dtype, std: architecture.initializer_range });
  writeCheckpoint(output, weights);
  writeJson(join(output, 'generation_config.json'), { eos_token_id: tokenizer.eosId });
  writeJson(join(output, 'config.json'), json);
  const parameters = [...weights.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  log(`${output}: ${parameters} parameters, vocabulary ${vocabSize}`);
  return { output, parameters, vocab_size: vocabSize };
}

function clearOutput(output: string, overwrite: boolean): void {
  if (existsSync(output) && readdirSync(output).length > 0) {
    if (!overwrite) {
      throw new InputError({
        where: 'output',
        problem: `the folder ${output} is in use`,
        remedy: 'Give overwrite=true to replace it, or another output',
      });
    }
    if (!existsSync(join(output, 'config.json'))) {
      throw new InputError({
        where: 'output',
        problem: `${output} is not a model folder, so it is not replaced`,
        remedy: 'Give another output',
      });
    }
    rmSync(output, { recursive: true });
  }
  mkdirSync(output, { recursive: true });
}

async function writeTokenizer({ output, tokenizer }: InitModelConfig): Promise<void> {
  if (tokenizer.path !== null) {
    await loadTokenizer(tokenizer.path);
    copyTokenizerFiles(tokenizer.path, output);
    return;
  }
  writeByteTokenizer(output, {
    vocabSize: tokenizer.vocab_size,
    addedTokens: tokenizer.added_tokens,
    corpus: corpusTexts(tokenizer.corpus),
    ...(tokenizer.chat_template !== null && { chatTemplate: tokenizer.chat_template }),
  });
}

/** Text files line by line; of JSONL rows every text field. */
function* corpusTexts(files: readonly string[]): Generator<string> {
  for (const file of files) {
    if (!/\.jsonl(\.gz)?$/.test(file)) {
      if (!existsSync(file)) throw new InputError({ where: file, problem: 'no such file' });
      yield* readFileSync(file, 'utf8').split('\n');
      continue;
    }
    for (const row of readJsonl(file)) {
      for (const value of Object.values(row)) if (typeof value === 'string') yield value;
    }
  }
}
