/** Tokenizer folders for the tests: our own, written anew, and the real ones of the folder LORIKEET_DATA. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ByteTokenizerOptions } from '../../src/tokenizer/byte/byte-tokenizer.js';
import {
  loadTokenizer,
  type RenderedExample,
  type Tokenizer,
  writeByteTokenizer,
} from '../../src/tokenizer/index.js';
import { dataPath, hasData } from './real-data.js';
import { temporaryFolder } from './temporary.js';

/** Whether the real tokenizers are there. */
export const hasTokenizers = hasData('tokenizers');

export const TAGS = ['<start_working_out>', '<end_working_out>', '<SOLUTION>', '</SOLUTION>'];

export async function byteTokenizer(options: ByteTokenizerOptions = {}): Promise<Tokenizer> {
  const dir = temporaryFolder();
  writeByteTokenizer(dir, options);
  return await loadTokenizer(dir);
}

/** A real tokenizer; `configOf` takes `tokenizer_config.json` from another one. */
export async function realTokenizer(name: string, configOf = name): Promise<Tokenizer> {
  const dir = temporaryFolder();
  const json = dataPath('tokenizers', name, 'tokenizer.json');
  const text = existsSync(json) ? readFileSync(json) : gunzipSync(readFileSync(`${json}.gz`));
  writeFileSync(join(dir, 'tokenizer.json'), text);
  const config = 'tokenizer_config.json';
  cpSync(dataPath('tokenizers', configOf, config), join(dir, config));
  return await loadTokenizer(dir);
}

/** The text of an example with what is trained in « ». */
export function shown(tokenizer: Tokenizer, { ids, trained }: RenderedExample): string {
  let text = '';
  for (let start = 0, end = 0; start < ids.length; start = end) {
    while (end < ids.length && trained[end] === trained[start]) end++;
    const part = tokenizer.decode(ids.slice(start, end));
    text += trained[start] ? `«${part}»` : part;
  }
  return text;
}
