/** A tokenizer's files in another folder, with the chat template and the end of text that it was opened with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeFileAtomic, writeJson } from '../util/files.js';
import type { JsonObject } from '../util/json-object.js';
import type { Tokenizer } from './tokenizer.js';
import {
  CHAT_TEMPLATE,
  copyTokenizerFiles,
  GENERATION_CONFIG,
  generationEosIds,
  TOKENIZER_CONFIG,
} from './tokenizer-files.js';

/**
 * A given template stands in `chat_template.jinja`, as transformers saves it, and no longer in the config; a
 * given `eos_token` in every file that names one, its id first among those that end a generation. All of those stand
 * in `generation_config.json` where no file of `to` says what ends one.
 */
export function saveTokenizer({ dir, given, eosIds }: Tokenizer, to: string): void {
  copyTokenizerFiles(dir, to);
  const { chatTemplate, eosToken } = given;
  if (chatTemplate !== undefined) {
    writeFileAtomic(join(to, CHAT_TEMPLATE), chatTemplate);
    change(join(to, TOKENIZER_CONFIG), ({ chat_template: _, ...rest }) => rest);
  }
  // Ends that only the model's config.json names would be lost with it.
  const areLost = eosIds.length > 0 && generationEosIds(to).length === 0;
  if (eosToken !== undefined || areLost) {
    change(join(to, GENERATION_CONFIG), (json) => ({ ...json, eos_token_id: eosIds }));
  }
  if (eosToken === undefined) return;
  const named = (json: JsonObject) => ({ ...json, eos_token: eosToken });
  change(join(to, TOKENIZER_CONFIG), named);
  const map = join(to, 'special_tokens_map.json');
  if (existsSync(map)) change(map, named);
}

function change(path: string, by: (json: JsonObject) => JsonObject): void {
  writeJson(path, by(existsSync(path) ? (readJson(path) as JsonObject) : {}));
}
