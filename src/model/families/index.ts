/** `config.json` → `DecoderSpec`: one file per family, one line here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../util/errors.js';
import { type JsonRow, readJson } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import type { DecoderSpec } from '../spec.js';
import { arcee } from './arcee.js';
import { cohere, cohere2 } from './cohere.js';
import { cwm } from './cwm.js';
import { ernie45 } from './ernie4-5.js';
import { exaone4 } from './exaone4.js';
import { ConfigFields } from './fields.js';
import { gemma, gemma2, gemma3Text, vaultGemma } from './gemma.js';
import { glm, glm4 } from './glm.js';
import { gptOss } from './gpt-oss.js';
import { granite, graniteMoe, graniteMoeHybrid, hyperclovax } from './granite.js';
import { hunyuanDense } from './hunyuan.js';
import { internlm3 } from './internlm3.js';
import { iquestcoder } from './iquestcoder.js';
import { lfm2 } from './lfm2.js';
import { llama } from './llama.js';
import { ministral, ministral3, mistral } from './mistral.js';
import { mixtral } from './mixtral.js';
import { nemotron } from './nemotron.js';
import { flexOlmo, olmo2, olmo3, olmoe } from './olmo.js';
import { phi } from './phi.js';
import { phi3 } from './phi3.js';
import { qwen2 } from './qwen2.js';
import { qwen3 } from './qwen3.js';
import { qwen35 } from './qwen3-5.js';
import { qwen3Moe } from './qwen3-moe.js';
import { seedOss } from './seed-oss.js';
import { smollm3 } from './smollm3.js';
import { stablelm } from './stablelm.js';
import { starcoder2 } from './starcoder2.js';
import { MULTIMODAL_TYPES, textConfig } from './text-config.js';

type Family = (fields: ConfigFields) => DecoderSpec;

/** By `model_type`. */
const FAMILIES: Readonly<Record<string, Family>> = {
  llama,
  mistral,
  ministral,
  ministral3,
  mixtral,
  qwen2,
  qwen3,
  qwen3_moe: qwen3Moe,
  gemma,
  gemma2,
  gemma3_text: gemma3Text,
  vaultgemma: vaultGemma,
  phi3,
  smollm3,
  olmo2,
  olmo3,
  olmoe,
  flex_olmo: flexOlmo,
  granite,
  granitemoe: graniteMoe,
  granitemoehybrid: graniteMoeHybrid,
  gpt_oss: gptOss,
  hyperclovax,
  exaone4,
  seed_oss: seedOss,
  cohere,
  cohere2,
  starcoder2,
  stablelm,
  nemotron,
  phi,
  arcee,
  hunyuan_v1_dense: hunyuanDense,
  cwm,
  internlm3,
  iquestcoder,
  lfm2,
  glm,
  glm4,
  ernie4_5: ernie45,
  qwen3_5_text: qwen35,
};

/**
 * @param file Where the values come from, for messages.
 * @throws InputError for an unsupported `model_type` or a field that is not understood.
 */
export function specFromConfig(file: string, values: JsonRow): DecoderSpec {
  const text = textConfig(file, values);
  if (text === null) return decoderSpec(file, values);
  return { ...decoderSpec(`${file} (text_config)`, text), root: 'model.language_model' };
}

function decoderSpec(file: string, values: JsonRow): DecoderSpec {
  const type = values.model_type;
  const family =
    typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (family === undefined) {
    throw new InputError({
      where: file,
      problem: `model_type ${JSON.stringify(type) ?? '(missing)'} is not supported`,
      remedy: `Supported: ${[...Object.keys(FAMILIES), ...MULTIMODAL_TYPES].join(', ')}`,
    });
  }
  const fields = new ConfigFields(file, values);
  const spec = family(fields);
  fields.rejectUnread();
  return spec;
}

/** The spec of a Hugging Face folder. @throws InputError when it has no config.json, or one that is not supported */
export const readSpec = (dir: string): DecoderSpec =>
  specFromConfig(join(dir, 'config.json'), readConfig(dir));

/**
 * The `config.json` that the decoder of a Hugging Face folder has by itself, its weights as they are read: not quantised.
 * @throws InputError as `readSpec`
 */
export function decoderConfig(dir: string): JsonRow {
  const values = readConfig(dir);
  const { quantization_config: _, ...own } = textConfig(join(dir, 'config.json'), values) ?? values;
  return own;
}

function readConfig(dir: string): JsonRow {
  const file = join(dir, 'config.json');
  if (!existsSync(file)) {
    throw new InputError({
      where: file,
      problem: 'no such file',
      remedy: 'Give a hub id, a Hugging Face model folder, or the folder of a training run',
    });
  }
  const values = readJson(file);
  if (isObject(values)) return values;
  throw new InputError({ where: file, problem: 'is not a JSON object' });
}
