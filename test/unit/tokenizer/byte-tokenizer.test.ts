import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { learnMerges } from '../../../src/tokenizer/byte/bpe-trainer.js';
import { splitWords } from '../../../src/tokenizer/byte/words.js';
import { loadTokenizer, writeByteTokenizer } from '../../../src/tokenizer/index.js';
import { InputError } from '../../../src/util/errors.js';
import { temporaryFolder } from '../../support/temporary.js';
import { byteTokenizer, TAGS } from '../../support/tokenizers.js';

const TEXTS = [
  '',
  ' ',
  "Tom has 12 apples, doesn't he?\n\nHe'll buy 345 more.",
  '  spaces  at   ends\t\t\r\n\r\n  ',
  'naïve café, 你好, 🙂👍🏽, \u00a0\u0085\u2028\ufeff, ½ ² ٣',
  '<SOLUTION>42</SOLUTION><start_working_out>',
];

describe('splitWords', () => {
  it('splits as GPT-2 does, but gives every digit its own word', () => {
    expect(splitWords("I'll take 12 of 3.5 ones!\n\n  Yes  ")).toEqual([
      ...['I', "'ll", ' take', ' ', '1', '2', ' of', ' ', '3', '.', '5', ' ones', '!'],
      // White space before a word keeps its last character for the word.
      ...['\n\n ', ' Yes', '  '],
    ]);
  });

  it('loses nothing', () => {
    for (const text of TEXTS) expect(splitWords(text).join('')).toBe(text);
  });
});

describe('learnMerges', () => {
  it('takes the most frequent pair, then goes on with the merged symbol', () => {
    // 'low' ×3, 'lot' ×2: (l, o) 5 times; then (lo, w) 3; then (lo, t) 2.
    expect(learnMerges(['low\tlow\tlow\tlot\tlot'], 9)).toEqual([
      ['l', 'o'],
      ['lo', 'w'],
      ['lo', 't'],
    ]);
  });

  it('breaks ties by order and stops at pairs seen once', () => {
    expect(learnMerges(['zz\tbb\tzz\tbb\taq'], 9)).toEqual([
      ['b', 'b'],
      ['z', 'z'],
    ]);
  });

  it('counts overlapping pairs of a run as they are merged', () => {
    // 'aaaa' twice: (a, a) → 'aa aa' → 'aaaa'.
    expect(learnMerges(['aaaa\taaaa'], 9)).toEqual([
      ['a', 'a'],
      ['aa', 'aa'],
    ]);
  });

  it('never merges digits', () => {
    const merges = learnMerges(['11 11 11 2024 2024 a1 a1'], 50);
    expect(merges.flat().filter((symbol) => /\d/.test(symbol))).toEqual([]);
  });
});

describe('writeByteTokenizer', () => {
  it('makes a token of every byte without a corpus, and gives every text back', async () => {
    const tokenizer = await byteTokenizer({ addedTokens: TAGS });
    expect(tokenizer.vocabSize).toBe(256 + 6 + 4);
    expect(tokenizer.encode('né', { addSpecialTokens: false }).length).toBe(3);
    for (const text of TEXTS) {
      expect(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false }))).toBe(text);
    }
  });

  it('learns merges within the bound, with digits apart and tags in one id', async () => {
    const corpus = Array.from({ length: 40 }, (_, i) => `Ann has ${i} apples and ${i + 1} pens.`);
    const bounded = await byteTokenizer({ corpus, vocabSize: 270, addedTokens: TAGS });
    expect(bounded.vocabSize).toBe(270);
    // Ann 2, ␣has 3, ␣apples 6, ␣and 3 less the shared ␣a, ␣pens 4: 17 merges are all there are.
    const tokenizer = await byteTokenizer({ corpus, vocabSize: 300, addedTokens: TAGS });
    expect(tokenizer.vocabSize).toBe(266 + 17);
    const pieces = (text: string): string[] =>
      tokenizer.encode(text, { addSpecialTokens: false }).map((id) => tokenizer.decode([id]));
    expect(pieces('Ann has 1234 apples')).toEqual([
      'Ann',
      ' has',
      ' ',
      '1',
      '2',
      '3',
      '4',
      ' apples',
    ]);
    expect(pieces('<SOLUTION>7</SOLUTION>')).toEqual(['<SOLUTION>', '7', '</SOLUTION>']);
    for (const text of TEXTS) {
      expect(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false }))).toBe(text);
    }
  });

  it('keeps added tokens in decoded text and drops special ones', async () => {
    const tokenizer = await byteTokenizer({ addedTokens: TAGS });
    const ids = [...tokenizer.encode('<SOLUTION>4</SOLUTION>'), tokenizer.eosId!];
    expect(ids[0]).toBe(tokenizer.bosId);
    expect(tokenizer.decode(ids)).toBe('<|bos|><SOLUTION>4</SOLUTION><|eos|>');
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('<SOLUTION>4</SOLUTION>');
  });

  it('writes the same bytes for the same corpus', () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    const options = { corpus: ['to be or not to be', 'that is the question'], vocabSize: 280 };
    writeByteTokenizer(one, options);
    writeByteTokenizer(two, options);
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      expect(readFileSync(join(one, name))).toEqual(readFileSync(join(two, name)));
    }
  });

  it('refuses a vocabulary without room, and tags that are blank or doubled', () => {
    const write = (options: Parameters<typeof writeByteTokenizer>[1]) => () =>
      writeByteTokenizer(temporaryFolder(), options);
    expect(write({ vocabSize: 262 })).not.toThrow();
    expect(write({ vocabSize: 261 })).toThrow(InputError);
    expect(write({ vocabSize: 261 })).toThrow(/vocab_size: 261 is too small.*at least 262/);
    expect(write({ addedTokens: ['a', 'a'] })).toThrow(/added_tokens: "a"/);
    expect(write({ addedTokens: ['<|eos|>'] })).toThrow(/"<\|eos\|>"/);
    expect(write({ addedTokens: [' '] })).toThrow(/blank/);
  });

  it('writes no chat template when told so', async () => {
    const tokenizer = await byteTokenizer({ chatTemplate: null });
    expect(tokenizer.chatTemplate).toBeNull();
    const withOne = await loadTokenizer(tokenizer.dir, {
      chatTemplate: '{{ messages[0].content }}!',
    });
    expect(withOne.applyChatTemplate([{ role: 'user', content: 'hi' }])).toBe('hi!');
  });
});
