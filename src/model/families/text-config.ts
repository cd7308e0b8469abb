/**
 * Models that read images too: a text decoder stands among their parts, and its `config.json` in theirs.
 * Lorikeet takes that decoder alone.
 */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';

interface Multimodal {
  /** Without `text_config` its fields stand among those of the whole model, and these do not belong to it. */
  readonly beside?: readonly string[];
  /** `text_config` as the `config.json` of a model of text alone. */
  readonly decoder: (text: JsonRow) => JsonRow;
  /** Whether embeddings are tied, by what the whole model and its decoder say, which may be nothing. */
  readonly tied: (whole: unknown, text: unknown) => unknown;
}

/** By `model_type`. Embeddings are tied as in transformers, but for Mistral 3, whose releases may say nothing and have a head. */
const MULTIMODAL: Readonly<Record<string, Multimodal>> = {
  gemma3: {
    decoder: (text) => ({ model_type: 'gemma3_text', ...text }),
    tied: (whole) => whole ?? true,
  },
  mistral3: {
    decoder: (text) => ({ model_type: 'mistral', ...text }),
    tied: (whole, text) => whole ?? text ?? false,
  },
  qwen2_5_vl: {
    decoder: qwen2,
    tied: (whole, text) => whole || text || false,
    beside: [
      ...['vision_config', 'image_token_id', 'video_token_id'],
      ...['vision_start_token_id', 'vision_end_token_id', 'vision_token_id'],
    ],
  },
  qwen3_vl: { decoder: qwen3, tied: (whole) => whole ?? false },
  qwen3_5: {
    decoder: (text) => ({ model_type: 'qwen3_5_text', ...text }),
    tied: (whole) => whole ?? false,
  },
};

export const MULTIMODAL_TYPES: readonly string[] = Object.keys(MULTIMODAL);

/** By `model_type` of the decoder: the class by which other programs know it. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  gemma3_text: 'Gemma3ForCausalLM',
  mistral: 'MistralForCausalLM',
  ministral3: 'Ministral3ForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
  qwen3_5_text: 'Qwen3_5ForCausalLM',
};

/** Fields that the whole model has for its decoder. */
const SHARED = [
  ...['bos_token_id', 'eos_token_id', 'pad_token_id', 'dtype', 'torch_dtype'],
  'quantization_config',
];

function multimodal({ model_type: type }: JsonRow): Multimodal | null {
  return typeof type === 'string' && Object.hasOwn(MULTIMODAL, type) ? MULTIMODAL[type]! : null;
}

/**
 * The `config.json` of a model's text decoder; null: the model is one by itself.
 *
 * @throws InputError when there is no `text_config`
 */
export function textConfig(file: string, values: JsonRow): JsonRow | null {
  const found = multimodal(values);
  if (found === null) return null;
  const text = values.text_config ?? textAmong(values, found);
  if (!isObject(text)) {
    throw new InputError({
      where: file,
      problem: `model_type "${values.model_type}" without the object "text_config"`,
      remedy: 'Use the config.json that was published with the weights',
    });
  }
  const decoder = found.decoder(text);
  const architecture = ARCHITECTURES[String(decoder.model_type)];
  const shared = SHARED.filter((key) => values[key] !== undefined);
  return {
    ...decoder,
    ...(architecture !== undefined && { architectures: [architecture] }),
    ...Object.fromEntries(shared.map((key) => [key, values[key]])),
    tie_word_embeddings: found.tied(values.tie_word_embeddings, text.tie_word_embeddings),
  };
}

function textAmong(values: JsonRow, { beside }: Multimodal): JsonRow | null {
  if (beside === undefined) return null;
  return Object.fromEntries(Object.entries(values).filter(([key]) => !beside.includes(key)));
}

/**
 * Pairs of the rope of Qwen2.5-VL and Qwen3-VL turn by time, height or width (`mrope_section`); in a text all three are
 * the position, and what is left is Qwen2 or Qwen3.
 */
function qwen(text: JsonRow, usual: JsonRow): JsonRow {
  const scalings = ['rope_scaling', 'rope_parameters'].flatMap((key) => {
    const scaling = text[key];
    if (!isObject(scaling)) return [];
    const { mrope_section: _, mrope_interleaved: __, ...rest } = scaling;
    const types = Object.entries(rest).map(([name, value]) => [
      name,
      value === 'mrope' ? 'default' : value,
    ]);
    return [[key, Object.fromEntries(types)]];
  });
  const { model_type } = usual;
  return { ...usual, ...text, ...Object.fromEntries(scalings), model_type };
}

function qwen2(text: JsonRow): JsonRow {
  return qwen(text, {
    model_type: 'qwen2',
    num_key_value_heads: 8,
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000,
    max_window_layers: 80,
  });
}

function qwen3(text: JsonRow): JsonRow {
  return qwen(text, {
    model_type: 'qwen3',
    max_position_embeddings: 128_000,
    rope_theta: 500_000,
  });
}
