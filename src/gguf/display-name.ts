/**
 * `general.name`. llama.cpp goes by it: a name with `phi-3` or `phi3` in it makes special tokens swallow the white
 * space behind them, as Phi-3's tokenizer does, and fails to load where Phi-3's tokens are missing
 * (`llama_vocab::impl::load` in src/llama-vocab.cpp). So the name says `phi-3` exactly where that is right.
 */
import { basename } from 'node:path';
import { asObjects, type JsonObject } from '../util/json-object.js';

const TOKENS = ['</s>', '<unk>', '<s>', '<|endoftext|>'];

/** @param name Hub id or folder */
export function displayName(name: string, json: JsonObject): string {
  const own = basename(name);
  const added = asObjects(json.added_tokens);
  const hasTokens = TOKENS.every((token) => added.some(({ content }) => content === token));
  const swallows = added.some(({ content, rstrip }) => content === '</s>' && rstrip === true);
  const isNamed = /phi-?3/i.test(own);
  if (hasTokens && swallows) return isNamed ? own : `phi-3 ${own}`;
  return isNamed ? own.replace(/phi-?3/gi, 'phi 3') : own;
}
