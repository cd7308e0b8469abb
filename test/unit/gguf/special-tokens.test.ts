import { expect, test } from 'vitest';
import { specialTokens } from '../../../src/gguf/special-tokens.js';
import { readTokenizerFiles, type Tokenizer } from '../../../src/tokenizer/index.js';
import { NEEDS_DATA } from '../../support/real-data.js';
import { byteTokenizer, hasTokenizers, realTokenizer } from '../../support/tokenizers.js';

const plain = (metadata: ReturnType<typeof specialTokens>) =>
  Object.fromEntries(
    Object.entries(metadata).map(([key, { value }]) => [key.replace('tokenizer.ggml.', ''), value]),
  );

const ask = (tokenizer: Tokenizer, json: object = { model: {} }, kind: 'gpt2' | 'llama' = 'gpt2') =>
  plain(specialTokens({ tokenizer, json: json as never, kind, configBosId: 7 }));

test('ids, BOS in front and the chat template of our own tokenizer', async () => {
  const tokenizer = await byteTokenizer({ chatTemplate: 'hi' });
  // 256 bytes, then <|bos|>, <|eos|>, <|pad|>.
  expect(ask(tokenizer)).toEqual({
    bos_token_id: 256,
    eos_token_id: 257,
    padding_token_id: 258,
    add_bos_token: true,
    add_eos_token: false,
    'tokenizer.chat_template': 'hi',
  });
});

test('further ends of a text, and a BOS that only config.json names', async () => {
  const tokenizer = { ...(await byteTokenizer()), eosIds: [5, 6], bosId: null, chatTemplate: null };
  const bare = { ...tokenizer, encode: () => [97] };
  expect(ask(bare)).toEqual({
    bos_token_id: 7,
    eos_token_id: 5,
    eot_token_id: 6,
    padding_token_id: 258,
    add_bos_token: false,
    add_eos_token: false,
  });
});

test('what GGUF has no place for is refused', async () => {
  const tokenizer = await byteTokenizer();
  expect(() => ask({ ...tokenizer, eosIds: [] })).toThrow(/no token ends a text.* eos_token=/);
  expect(() => ask({ ...tokenizer, eosIds: [1, 2, 3, 4] })).toThrow(/4 tokens end a text/);
  const around: Tokenizer['encode'] = (_, { addSpecialTokens = true } = {}) =>
    addSpecialTokens ? [9, 97, 8] : [97];
  expect(() => ask({ ...tokenizer, encode: around })).toThrow(
    /a text gets the ids \[9\] before and \[8\] after it/,
  );
});

const REPLACE = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
const PREPEND = { type: 'Prepend', prepend: '▁' };

test.each([
  [true, { type: 'Sequence', normalizers: [PREPEND, REPLACE] }, null],
  [false, REPLACE, { type: 'Split', pattern: { String: ' ' } }],
  [true, null, { type: 'Metaspace', prepend_scheme: 'first', split: false }],
  [false, null, { type: 'Metaspace', prepend_scheme: 'never', split: true }],
])('a space in front: %s for %j, %j', async (expected, normalizer, pre_tokenizer) => {
  const json = { normalizer, pre_tokenizer, model: { vocab: { '▁a': 0 } } };
  expect(ask(await byteTokenizer(), json, 'llama').add_space_prefix).toBe(expected);
});

test('steps that llama.cpp has not are refused', async () => {
  const tokenizer = await byteTokenizer();
  const strange = { normalizer: { type: 'Precompiled' }, model: {} };
  expect(() => ask(tokenizer, strange, 'llama')).toThrow(/no counterpart of .*Precompiled/);
  const pre_tokenizer = { type: 'Metaspace', prepend_scheme: 'first' };
  const joined = { pre_tokenizer, model: { vocab: { 'a▁b': 0 } } };
  expect(() => ask(tokenizer, joined, 'llama')).toThrow(/no counterpart of .*Metaspace/);
});

test.skipIf(!hasTokenizers)(`Phi-3 ${NEEDS_DATA}`, async () => {
  const tokenizer = await realTokenizer('phi-3-mini');
  const { tokenizerJson } = readTokenizerFiles(tokenizer.dir);
  expect(ask(tokenizer, tokenizerJson, 'llama')).toMatchObject({
    bos_token_id: 1,
    unknown_token_id: 0,
    add_bos_token: false,
    add_space_prefix: true,
  });
});
