/** `config.json` → `DecoderSpec`: one file per family, one line here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../util/errors.js';
import { type JsonRow, readJson } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import type { DecoderSpec } from '../spec.js';
import { ConfigFields } from './fields.js';
import { gemma2, gemma3Text } from './gemma.js';
import { granite } from './granite.js';
import { llama } from './llama.js';
import { mistral } from './mistral.js';
import { olmo2 } from './olmo2.js';
import { phi3 } from './phi3.js';
import { qwen2 } from './qwen2.js';
import { qwen3 } from './qwen3.js';
import { smollm3 } from './smollm3.js';

type Family = (fields: ConfigFields) => DecoderSpec;

/** By `model_type`. */
const FAMILIES: Readonly<Record<string, Family>> = {
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma2,
  gemma3_text: gemma3Text,
  phi3,
  smollm3,
  olmo2,
  granite,
};

/**
 * @param file Where the values come from, for messages.
 * @throws InputError for an unsupported `model_type` or a field that is not understood.
 */
export function specFromConfig(file: string, values: JsonRow): DecoderSpec {
  const type = values.model_type;
  const family =
    typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (family === undefined) {
    throw new InputError({
      where: file,
      problem: `model_type ${JSON.stringify(type) ?? '(missing)'} is not supported`,
      remedy: `Supported: ${Object.keys(FAMILIES).join(', ')}`,
    });
  }
  const fields = new ConfigFields(file, values);
  const spec = family(fields);
  fields.rejectUnread();
  return spec;
}

/** The spec of a Hugging Face folder. @throws InputError when it has no config.json, or one that is not supported */
export function readSpec(dir: string): DecoderSpec {
  const file = join(dir, 'config.json');
  if (!existsSync(file)) {
    throw new InputError({
      where: file,
      problem: 'no such file',
      remedy: 'Give a hub id, a Hugging Face model folder, or the folder of a training run',
    });
  }
  const values = readJson(file);
  if (isObject(values)) return specFromConfig(file, values);
  throw new InputError({ where: file, problem: 'is not a JSON object' });
}
