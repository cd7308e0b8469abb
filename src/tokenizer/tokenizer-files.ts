/** The files of a tokenizer folder: which there are, what they hold, copying them beside an adapter. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../util/errors.js';
import { copyFile, readJson, sha256 } from '../util/files.js';
import { isObject, type JsonObject } from '../util/json-object.js';
import { readBytes, readText } from '../util/utf8.js';

export const TOKENIZER_JSON = 'tokenizer.json';
export const TOKENIZER_CONFIG = 'tokenizer_config.json';
export const CHAT_TEMPLATE = 'chat_template.jinja';
export const GENERATION_CONFIG = 'generation_config.json';

const NEEDED = [TOKENIZER_JSON, TOKENIZER_CONFIG];

/** Everything that decides how text becomes ids and where generation ends. */
const ALL_FILES = [
  TOKENIZER_JSON,
  TOKENIZER_CONFIG,
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  CHAT_TEMPLATE,
  GENERATION_CONFIG,
] as const;

export interface TokenizerFiles {
  readonly tokenizerJson: JsonObject;
  /** Special tokens as plain strings; `chat_template` as one string, or absent. */
  readonly tokenizerConfig: JsonObject;
  /** `eos_token_id` of `generation_config.json`, or of `config.json` without it. */
  readonly generationEosIds: readonly number[];
}

/** Names of the tokenizer files that `dir` has. */
export function tokenizerFileNames(dir: string): string[] {
  return ALL_FILES.filter((name) => existsSync(join(dir, name)));
}

/** SHA-256 over its files. @throws InputError where one is gone */
export function tokenizerHash({
  dir,
  files,
}: {
  readonly dir: string;
  readonly files: readonly string[];
}): string {
  const hashes = files.map((name) => [name, sha256(readBytes(join(dir, name)))]);
  return sha256(JSON.stringify(hashes));
}

/** Copies the tokenizer files of `from` into `to`. @throws InputError where one that a model needs is gone */
export function copyTokenizerFiles(from: string, to: string): void {
  for (const name of new Set([...NEEDED, ...tokenizerFileNames(from)])) {
    copyFile(join(from, name), join(to, name));
  }
}

/** @throws InputError naming the file that is missing or malformed. */
export function readTokenizerFiles(dir: string): TokenizerFiles {
  const missing = NEEDED.find((name) => !existsSync(join(dir, name)));
  if (missing !== undefined) {
    throw new InputError({
      where: dir,
      problem: `no ${missing}`,
      remedy: existsSync(join(dir, 'tokenizer.model'))
        ? 'Only tokenizer.model is there: save the tokenizer with transformers as a fast one'
        : 'A model folder needs tokenizer.json and tokenizer_config.json',
    });
  }
  const tokenizerConfig = withPlainTokens({
    ...optionalObject(join(dir, 'special_tokens_map.json')),
    ...readObject(join(dir, TOKENIZER_CONFIG)),
  });
  const template = chatTemplateOf(dir, tokenizerConfig);
  return {
    tokenizerJson: withConfigTokens(dir, tokenizerConfig),
    tokenizerConfig: { ...tokenizerConfig, chat_template: template },
    generationEosIds: generationEosIds(dir),
  };
}

function readObject(path: string): JsonObject {
  const value = readJson(path);
  if (isObject(value)) return value;
  throw new InputError({ where: path, problem: 'not a JSON object' });
}

const optionalObject = (path: string): JsonObject => (existsSync(path) ? readObject(path) : {});

/** Special tokens stand as strings or as `{ content, … }`. */
function withPlainTokens(config: JsonObject): JsonObject {
  const plain = Object.entries(config).map(([key, value]) => {
    const isToken = key.endsWith('_token') && isObject(value);
    return [key, isToken && 'content' in value ? value.content : value] as const;
  });
  return Object.fromEntries(plain);
}

/** Tokens that only `added_tokens_decoder` of the config knows, as transformers adds them. */
function withConfigTokens(dir: string, config: JsonObject): JsonObject {
  const path = join(dir, TOKENIZER_JSON);
  const json = readObject(path);
  const added = objectsIn(path, json, 'added_tokens').map(([, token]) => token);
  const known = new Set(added.map(({ content }) => content));
  const more = objectsIn(join(dir, TOKENIZER_CONFIG), config, 'added_tokens_decoder')
    .filter(([, token]) => !known.has(token.content))
    .map(([id, token]) => ({ ...token, id: Number(id) }));
  return { ...json, added_tokens: [...added, ...more] };
}

function objectsIn(where: string, fields: JsonObject, key: string): [string, JsonObject][] {
  const entries = Object.entries(fields[key] ?? {});
  if (entries.every((entry): entry is [string, JsonObject] => isObject(entry[1]))) return entries;
  throw new InputError({ where, problem: `${key} has an entry that is not an object` });
}

/**
 * The chat template at a path: a Jinja file, or a folder with a tokenizer.
 * @throws InputError when there is none.
 */
export function readChatTemplate(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  const fail = (problem: string): never => {
    throw new InputError({
      where: 'chat_template_path',
      problem: `${path} ${problem}`,
      remedy: 'Give a Jinja file, or the folder of a tokenizer with a chat template',
    });
  };
  if (isFolder === undefined) return fail('is not there');
  const template = isFolder
    ? chatTemplateOf(path, optionalObject(join(path, TOKENIZER_CONFIG)))
    : readText(path);
  return template === undefined || template.trim() === '' ? fail('holds none') : template;
}

/** `chat_template.jinja` comes before the config; of several named templates, `default` counts. */
function chatTemplateOf(dir: string, config: JsonObject): string | undefined {
  const path = join(dir, CHAT_TEMPLATE);
  if (existsSync(path)) return readText(path);
  const { chat_template: template } = config;
  if (template === undefined || template === null) return undefined;
  if (typeof template === 'string') return template;
  const named = Array.isArray(template) ? template.filter(isObject) : [];
  const found = named.find(({ name }) => name === 'default')?.template;
  if (typeof found === 'string') return found;
  throw new InputError({
    where: join(dir, TOKENIZER_CONFIG),
    problem: 'chat_template is neither a text nor a list with a "default"',
  });
}

/** `eos_token_id` of `generation_config.json`, or of `config.json` without it; none: empty. */
export function generationEosIds(dir: string): readonly number[] {
  for (const name of [GENERATION_CONFIG, 'config.json']) {
    const { text_config: text, ...whole } = optionalObject(join(dir, name));
    const ids = whole.eos_token_id ?? (isObject(text) ? text.eos_token_id : undefined);
    if (ids === undefined || ids === null) continue;
    const list: unknown[] = Array.isArray(ids) ? ids : [ids];
    if (list.every((id): id is number => typeof id === 'number')) return list;
    throw new InputError({
      where: join(dir, name),
      problem: 'eos_token_id is not a number or a list',
    });
  }
  return [];
}
