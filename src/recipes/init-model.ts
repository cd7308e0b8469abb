/** `lorikeet init-model`: a random checkpoint in Hugging Face layout that transformers loads. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { InitModelConfig, MODEL_TYPES } from '../config/index.js';
import { randomWeights, specFromConfig, toStored } from '../model/index.js';
import { copyTokenizerFiles, loadTokenizer, writeByteTokenizer } from '../tokenizer/index.js';
import { replaceFolder } from '../util/atomic-folder.js';
import { InputError } from '../util/errors.js';
import { type JsonRow, readJsonl, writeJson } from '../util/files.js';
import { sum } from '../util/numbers.js';
import { elementCount } from '../util/shape.js';
import { readText } from '../util/utf8.js';
import { writeCheckpoint } from '../weights/index.js';
import type { RecipeContext } from './context.js';
import { whileModelLocked } from './outputs/model-folder.js';

export interface InitModelResult {
  readonly output: string;
  readonly parameters: number;
  readonly vocab_size: number;
}

/** Embedding rows are rounded up to a multiple of this. */
const VOCAB_MULTIPLE = 8;

const SILU = { hidden_act: 'silu' } as const;
const GELU = { hidden_act: 'gelu_pytorch_tanh', hidden_activation: 'gelu_pytorch_tanh' } as const;

const EXPERTS = { num_experts: 8, num_experts_per_tok: 2 } as const;
const LOCAL_EXPERTS = { num_local_experts: 8, num_experts_per_tok: 2 } as const;

type Architecture = InitModelConfig['architecture'];
type Sizes = Pick<Architecture, 'head_dim' | 'hidden_size' | 'num_attention_heads'>;

/** The class of transformers that loads each family, and fields that the families do not share. */
const FAMILY_FIELDS: Readonly<Record<(typeof MODEL_TYPES)[number], JsonRow>> = {
  llama: { architectures: ['LlamaForCausalLM'], ...SILU },
  mistral: { architectures: ['MistralForCausalLM'], ...SILU, sliding_window: null },
  ministral: { architectures: ['MinistralForCausalLM'], ...SILU },
  ministral3: { architectures: ['Ministral3ForCausalLM'], ...SILU },
  qwen2: { architectures: ['Qwen2ForCausalLM'], ...SILU },
  qwen3: { architectures: ['Qwen3ForCausalLM'], ...SILU },
  gemma: { architectures: ['GemmaForCausalLM'], ...GELU },
  gemma2: { architectures: ['Gemma2ForCausalLM'], ...GELU },
  gemma3_text: { architectures: ['Gemma3ForCausalLM'], ...GELU },
  vaultgemma: { architectures: ['VaultGemmaForCausalLM'], ...GELU },
  phi3: { architectures: ['Phi3ForCausalLM'], ...SILU },
  smollm3: { architectures: ['SmolLM3ForCausalLM'], ...SILU },
  olmo2: { architectures: ['Olmo2ForCausalLM'], ...SILU },
  olmo3: { architectures: ['Olmo3ForCausalLM'], ...SILU },
  granite: { architectures: ['GraniteForCausalLM'], ...SILU },
  hyperclovax: { architectures: ['HyperCLOVAXForCausalLM'], ...SILU },
  exaone4: { architectures: ['Exaone4ForCausalLM'], ...SILU },
  cohere: { architectures: ['CohereForCausalLM'], ...SILU },
  cohere2: { architectures: ['Cohere2ForCausalLM'], ...SILU },
  starcoder2: { architectures: ['Starcoder2ForCausalLM'], hidden_act: 'gelu_pytorch_tanh' },
  stablelm: { architectures: ['StableLmForCausalLM'], ...SILU },
  nemotron: { architectures: ['NemotronForCausalLM'], hidden_act: 'relu2' },
  phi: { architectures: ['PhiForCausalLM'], hidden_act: 'gelu_new' },
  arcee: { architectures: ['ArceeForCausalLM'], hidden_act: 'relu2' },
  hunyuan_v1_dense: { architectures: ['HunYuanDenseV1ForCausalLM'], ...SILU },
  seed_oss: { architectures: ['SeedOssForCausalLM'], ...SILU },
  cwm: { architectures: ['CwmForCausalLM'], ...SILU },
  internlm3: { architectures: ['LlamaForCausalLM'], ...SILU },
  iquestcoder: { architectures: ['LlamaForCausalLM'], ...SILU },
  lfm2: { architectures: ['Lfm2ForCausalLM'], block_auto_adjust_ff_dim: false },
  glm: { architectures: ['GlmForCausalLM'], ...SILU },
  glm4: { architectures: ['Glm4ForCausalLM'], ...SILU },
  ernie4_5: { architectures: ['Ernie4_5ForCausalLM'], ...SILU },
  qwen3_moe: { architectures: ['Qwen3MoeForCausalLM'], ...SILU, ...EXPERTS, norm_topk_prob: true },
  olmoe: { architectures: ['OlmoeForCausalLM'], ...SILU, ...EXPERTS },
  flex_olmo: { architectures: ['FlexOlmoForCausalLM'], ...SILU, ...EXPERTS },
  granitemoe: { architectures: ['GraniteMoeForCausalLM'], ...SILU, ...LOCAL_EXPERTS },
  granitemoehybrid: {
    architectures: ['GraniteMoeHybridForCausalLM'],
    ...SILU,
    num_local_experts: 0,
    position_embedding_type: 'rope',
  },
  gpt_oss: { architectures: ['GptOssForCausalLM'], ...SILU, ...LOCAL_EXPERTS },
  mixtral: { architectures: ['MixtralForCausalLM'], ...SILU, ...LOCAL_EXPERTS },
  qwen3_5_text: { architectures: ['Qwen3_5ForCausalLM'], ...SILU },
};

/** `rope_parameters` where `rope_theta` alone would mean another base, or a scaling. */
function ropeParameters({ config, ...architecture }: Architecture): JsonRow {
  const rope = { rope_type: 'default', rope_theta: architecture.rope_theta };
  const partial = (share: number): JsonRow => ({
    ...rope,
    partial_rotary_factor: rotatedShare(headDim(architecture), share),
  });
  const byType: Readonly<Record<string, JsonRow>> = {
    cwm: rope,
    gpt_oss: rope,
    ministral3: {
      ...rope,
      llama_4_scaling_beta: 0,
      original_max_position_embeddings: architecture.max_position_embeddings,
    },
    olmo3: { full_attention: rope, sliding_attention: rope },
    glm: partial(0.5),
    glm4: partial(0.5),
    nemotron: partial(0.5),
    phi: partial(0.5),
    qwen3_5_text: partial(0.25),
    stablelm: partial(0.25),
  };
  const found = byType[architecture.model_type];
  return found === undefined || 'rope_scaling' in config ? {} : { rope_parameters: found };
}

/** As large a part of a head as published models rotate, where all rollouts take it: in multiples of 16; else all of it. */
const rotatedShare = (dim: number, share: number): number => ((dim * share) % 16 === 0 ? share : 1);

const headDim = ({ head_dim: own, hidden_size: hidden, num_attention_heads: heads }: Sizes) =>
  own ?? hidden / heads;

/** What the norms' epsilon is called where it is not `rms_norm_eps`. */
const EPSILONS: Readonly<Record<string, string>> = {
  cohere: 'layer_norm_eps',
  cohere2: 'layer_norm_eps',
  lfm2: 'norm_eps',
  nemotron: 'norm_eps',
  phi: 'layer_norm_eps',
  stablelm: 'layer_norm_eps',
  starcoder2: 'norm_epsilon',
};

/**
 * What families have whose layers differ: their usual order, in which attention follows so many other layers, and is
 * the last; and what those others need.
 */
function ofLayers({ model_type: type, ...architecture }: Architecture): JsonRow {
  const { num_hidden_layers: layers, intermediate_size: inner } = architecture;
  const types = (others: number, name: string) =>
    Array.from({ length: layers }, (_, layer) =>
      layer % (others + 1) === others || layer === layers - 1 ? 'full_attention' : name,
    );
  if (type === 'qwen3_moe') return { moe_intermediate_size: inner };
  if (type === 'granitemoehybrid') {
    const layerTypes = new Array<string>(layers).fill('attention');
    return { shared_intermediate_size: inner, layer_types: layerTypes };
  }
  if (type === 'lfm2') return { layer_types: types(2, 'conv') };
  if (type !== 'qwen3_5_text') return {};
  const { num_attention_heads: heads, num_key_value_heads: keyHeads } = architecture;
  return {
    layer_types: types(3, 'linear_attention'),
    linear_key_head_dim: headDim(architecture),
    linear_value_head_dim: headDim(architecture),
    linear_num_key_heads: keyHeads ?? heads,
    linear_num_value_heads: heads,
  };
}

export async function runInitModel(
  config: InitModelConfig,
  { log }: RecipeContext,
): Promise<InitModelResult> {
  const { output } = config;
  const made = await whileModelLocked(config, () =>
    replaceFolder(output, (part) => writeModel(part, config)),
  );
  log(`${output}: ${made.parameters} parameters, vocabulary ${made.vocab_size}`);
  return { output, ...made };
}

async function writeModel(
  dir: string,
  config: InitModelConfig,
): Promise<Omit<InitModelResult, 'output'>> {
  const { output, architecture } = config;
  await writeTokenizer(dir, config);
  const tokenizer = await loadTokenizer(dir);
  const vocabSize = Math.ceil(tokenizer.vocabSize / VOCAB_MULTIPLE) * VOCAB_MULTIPLE;
  const {
    rms_norm_eps: eps,
    num_key_value_heads: keyHeads,
    head_dim: _own,
    tie_word_embeddings: tied,
    config: more,
    ...rest
  } = architecture;
  const family = FAMILY_FIELDS[architecture.model_type];
  const json = {
    ...rest,
    num_key_value_heads: keyHeads ?? architecture.num_attention_heads,
    head_dim: headDim(architecture),
    tie_word_embeddings: tied ?? architecture.model_type !== 'phi',
    ...family,
    [EPSILONS[architecture.model_type] ?? 'rms_norm_eps']: eps,
    ...ofLayers(architecture),
    ...ropeParameters(architecture),
    vocab_size: vocabSize,
    bos_token_id: tokenizer.bosId,
    eos_token_id: tokenizer.eosId,
    pad_token_id: tokenizer.padId,
    torch_dtype: config.dtype,
    ...more,
  };
  const spec = specFromConfig(join(output, 'config.json'), json);
  const { seed, dtype } = config;
  const weights = randomWeights(spec, { seed, dtype, std: architecture.initializer_range });
  writeCheckpoint(dir, toStored(spec, weights));
  writeJson(join(dir, 'generation_config.json'), { eos_token_id: tokenizer.eosId });
  writeJson(join(dir, 'config.json'), json);
  const parameters = sum([...weights.values()].map(({ shape }) => elementCount(shape)));
  return { parameters, vocab_size: vocabSize };
}

async function writeTokenizer(dir: string, { tokenizer }: InitModelConfig): Promise<void> {
  if (tokenizer.path !== null) {
    await loadTokenizer(tokenizer.path);
    copyTokenizerFiles(tokenizer.path, dir);
    return;
  }
  writeByteTokenizer(dir, {
    vocabSize: tokenizer.vocab_size,
    addedTokens: tokenizer.added_tokens,
    corpus: corpusTexts(tokenizer.corpus),
    ...(tokenizer.chat_template !== null && { chatTemplate: tokenizer.chat_template }),
  });
}

/** Every text in a JSON value, in order. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value !== null && typeof value === 'object') {
    for (const child of Object.values(value)) yield* textsIn(child);
  }
}

/** Text files line by line; of JSONL rows every text, that of messages too. */
function* corpusTexts(files: readonly string[]): Generator<string> {
  for (const file of files) {
    if (!/\.jsonl(\.gz)?$/.test(file)) {
      if (!existsSync(file)) throw new InputError({ where: file, problem: 'no such file' });
      yield* readText(file).split('\n');
      continue;
    }
    for (const row of readJsonl(file)) {
      yield* textsIn(row);
    }
  }
}
