import { expect, test } from 'vitest';
import { vocabularyOf } from '../../../src/gguf/vocabulary.js';

const BYTES = { type: 'ByteLevel' };
const added = (id: number, content: string, special: boolean) => ({ id, content, special });

const value = (found: ReturnType<typeof vocabularyOf>, key: string) =>
  found.metadata[`tokenizer.ggml.${key}`]?.value;

test('byte pairs: tokens by id, their kinds, merges, rows that belong to none', () => {
  const json = {
    pre_tokenizer: BYTES,
    model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, Ġ: 3 }, merges: [['a', 'b'], 'Ġ ab'] },
    added_tokens: [added(4, '<eos>', true), added(5, '<|x|>', false), added(6, '<y▁>', false)],
  };
  const found = vocabularyOf({ json, dir: 'here', size: 9 });
  expect(found).toMatchObject({ kind: 'gpt2', padding: 2 });
  expect(value(found, 'model')).toBe('gpt2');
  expect(value(found, 'tokens')).toEqual([
    ...['a', 'b', 'ab', 'Ġ', '<eos>', '<|x|>', '<y >', '[PAD7]', '[PAD8]'],
  ]);
  // Normal 1, control 3, defined by the user 4, unused 5.
  expect(value(found, 'token_type')).toEqual([1, 1, 1, 1, 3, 3, 4, 5, 5]);
  expect(value(found, 'merges')).toEqual(['a b', 'Ġ ab']);
});

test('SentencePiece: a score is minus the place of the first merge', () => {
  const vocab = { '<unk>': 0, '<0x0A>': 1, '▁': 2, a: 3, '▁a': 4, aa: 5, '▁aa': 6 };
  const merges = [
    ['▁', 'a'],
    ['a', 'a'],
    ['▁a', 'a'],
    ['▁', 'aa'],
  ];
  const json = {
    pre_tokenizer: null,
    model: { type: 'BPE', byte_fallback: true, unk_token: '<unk>', vocab, merges },
    added_tokens: [added(0, '<unk>', true)],
  };
  const found = vocabularyOf({ json, dir: 'here', size: 7 });
  expect(found).toMatchObject({ kind: 'llama', padding: 0 });
  // Unknown 2, byte 6.
  expect(value(found, 'token_type')).toEqual([2, 6, 1, 1, 1, 1, 1]);
  expect(value(found, 'scores')).toEqual([-1e6, -1e6, -1e6, -1e6, -0, -1, -2]);
  expect(value(found, 'merges')).toBeUndefined();
});

test('other tokenizers, and two ids of one spelling, are refused', () => {
  const ask = (model: object, added_tokens: object[] = []) =>
    vocabularyOf({ json: { pre_tokenizer: BYTES, model, added_tokens }, dir: 'here', size: 4 });
  expect(() => ask({ type: 'Unigram', vocab: {} })).toThrow(
    /here\/tokenizer\.json: a tokenizer of type "Unigram" cannot be written as GGUF/,
  );
  const twice = { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] };
  expect(() => ask(twice, [added(2, 'a', true)])).toThrow(/ids 0 and 2 are both spelled "a"/);
});
