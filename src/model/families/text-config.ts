/**
 * Models that read images too: a text decoder stands among their parts, and its `config.json` in theirs.
 * Lorikeet takes that decoder alone.
 */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';

interface Multimodal {
  /** `text_config` as the `config.json` of a model of text alone. */
  readonly decoder: (text: JsonRow) => JsonRow;
  /** `tie_word_embeddings` where neither the model nor its decoder says it. */
  readonly tied: boolean;
}

/** By `model_type`. */
const MULTIMODAL: Readonly<Record<string, Multimodal>> = {
  gemma3: { decoder: (text) => ({ model_type: 'gemma3_text', ...text }), tied: true },
  mistral3: { decoder: (text) => ({ model_type: 'mistral', ...text }), tied: false },
  qwen3_vl: { decoder: qwen3, tied: false },
  qwen3_5: { decoder: (text) => ({ model_type: 'qwen3_5_text', ...text }), tied: false },
};

export const MULTIMODAL_TYPES: readonly string[] = Object.keys(MULTIMODAL);

/** By `model_type` of the decoder: the class by which other programs know it. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  gemma3_text: 'Gemma3ForCausalLM',
  mistral: 'MistralForCausalLM',
  ministral3: 'Ministral3ForCausalLM',
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
 * The `config.json` of a model's text decoder; null: the model is one by itself. As in transformers, the whole
 * model says whether embeddings are tied, and the decoder only where it does not.
 *
 * @throws InputError when there is no `text_config`
 */
export function textConfig(file: string, values: JsonRow): JsonRow | null {
  const found = multimodal(values);
  if (found === null) return null;
  const { text_config: text } = values;
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
    tie_word_embeddings: values.tie_word_embeddings ?? text.tie_word_embeddings ?? found.tied,
  };
}

/**
 * Pairs of Qwen3-VL's rope turn by time, height or width (`mrope_section`); in a text all three are the
 * position, and what is left is Qwen3.
 */
function qwen3(text: JsonRow): JsonRow {
  const scalings = ['rope_scaling', 'rope_parameters'].flatMap((key) => {
    const scaling = text[key];
    if (!isObject(scaling)) return [];
    const { mrope_section: _, mrope_interleaved: __, ...rest } = scaling;
    return [[key, rest]];
  });
  return {
    max_position_embeddings: 128_000,
    rope_theta: 500_000,
    ...text,
    ...Object.fromEntries(scalings),
    model_type: 'qwen3',
  };
}
