import { expect, test } from 'vitest';
import { preTokenizer } from '../../../src/gguf/pre-tokenizer.js';
import { WORD_PATTERN } from '../../../src/tokenizer/index.js';

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const split = (Regex: string, behavior = 'Isolated', invert = false) => ({
  type: 'Split',
  pattern: { Regex },
  behavior,
  invert,
});
const bytes = (use_regex: boolean) => ({ type: 'ByteLevel', add_prefix_space: false, use_regex });
const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers });
const DIGITS = { type: 'Digits', individual_digits: true };

const found = (pre_tokenizer: object, model: object = {}, given: string | null = null) =>
  preTokenizer({ json: { pre_tokenizer, model: { vocab: {}, ...model } }, dir: 'here', given });

// Names as llama.cpp's converter finds them for GPT-2, SmolLM, Llama 3, OLMo 2 and Qwen2.
test.each([
  ['gpt-2', bytes(true), {}],
  ['smollm', sequence(DIGITS, bytes(true)), {}],
  ['llama-bpe', sequence(split(LLAMA3), bytes(false)), { ignore_merges: true }],
  ['dbrx', sequence(split(LLAMA3, 'Removed', true), bytes(false)), {}],
  ['qwen2', sequence(split(LLAMA3.replace('{1,3}', '')), bytes(false)), {}],
])('%s', (name, pre, model) => {
  expect(found(pre, model)).toEqual({ name, notices: [] });
});

test('our own cuts as smollm, but for white space before a digit', () => {
  const own = sequence(split(WORD_PATTERN), bytes(false));
  expect(found(own, { vocab: { Ġ: 0, Ġa: 1 } })).toEqual({ name: 'smollm', notices: [] });
  const { name, notices } = found(own, { vocab: { ĠĠ: 0, ĊĊ: 1 } });
  expect(name).toBe('smollm');
  expect(notices).toEqual([expect.stringMatching(/with 2 tokens of white space alone/)]);
});

test('what is not known is an error that names the key, and a given name is taken', () => {
  const strange = sequence(split('.'), bytes(false));
  expect(() => found(strange)).toThrow(
    /here\/tokenizer\.json: pre_tokenizer .* Name the one that cuts text the same way as pre_tokenizer=/,
  );
  expect(() => found(bytes(true), { ignore_merges: true })).toThrow(/with ignore_merges/);
  expect(found(strange, {}, 'tekken').name).toBe('tekken');
  expect(() => found(strange, {}, 'tekkon')).toThrow(
    /pre_tokenizer: llama\.cpp has none of the name "tekkon"/,
  );
});

test('composing characters is said, other normalization refused', () => {
  const json = (normalizer: object) => ({
    normalizer,
    pre_tokenizer: bytes(true),
    model: { vocab: {} },
  });
  const ask = (normalizer: object) =>
    preTokenizer({ json: json(normalizer), dir: 'here', given: null });
  expect(ask({ type: 'NFC' }).notices).toEqual([
    expect.stringMatching(/does not compose characters/),
  ]);
  expect(() => ask({ type: 'Lowercase' })).toThrow(/no counterpart of the normalizer .*Lowercase/);
});
