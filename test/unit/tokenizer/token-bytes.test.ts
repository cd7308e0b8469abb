/** Bytes of tokens: put together, those of a text's ids are the text's. */
import { describe, expect, it } from 'vitest';
import { tokenBytes } from '../../../src/tokenizer/token-bytes.js';
import { NEEDS_DATA } from '../../support/real-data.js';
import { byteTokenizer, hasTokenizers, realTokenizer } from '../../support/tokenizers.js';

const TEXTS = ['Hello, world!', 'größe → 😀\n\tx', '{"a": [1, 2.5], "b": "ü"}', '   spaces'];

describe('tokenBytes', () => {
  it('spell the text of a byte-level tokenizer; special tokens have none', async () => {
    const tokenizer = await byteTokenizer();
    const bytes = tokenizer.tokenBytes();
    for (const text of TEXTS) {
      const ids = tokenizer.encode(text, { addSpecialTokens: false });
      expect(Buffer.concat(ids.map((id) => bytes[id]!)).toString('utf8')).toBe(text);
    }
    expect(bytes[tokenizer.eosId!]).toBe(null);
  });

  it.skipIf(!hasTokenizers).each(['gpt2', 'qwen2.5', 'minimind'])(
    `spell the text of %s ${NEEDS_DATA}`,
    async (name) => {
      const tokenizer = await realTokenizer(name);
      const bytes = tokenizer.tokenBytes();
      for (const text of TEXTS) {
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        expect(Buffer.concat(ids.map((id) => bytes[id]!)).toString('utf8')).toBe(text);
      }
    },
  );

  it.skipIf(!hasTokenizers)(
    `spell SentencePiece's with its space in front ${NEEDS_DATA}`,
    async () => {
      const tokenizer = await realTokenizer('phi-3-mini');
      const bytes = tokenizer.tokenBytes();
      for (const text of TEXTS) {
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        expect(
          Buffer.concat(ids.map((id) => bytes[id]!))
            .toString('utf8')
            .trimStart(),
        ).toBe(text.trimStart());
      }
    },
  );

  it('reads pieces and bytes, and refuses a decoder that it does not know', () => {
    const vocabulary = new Map([
      ['\u2581a', 0],
      ['<0xE2>', 1],
      ['<s>', 2],
      ['<tag>', 3],
    ]);
    const added_tokens = [
      { content: '<s>', special: true },
      { content: '<tag>', special: false },
    ];
    const of = (decoder: object | null) =>
      tokenBytes({ tokenizerJson: { decoder, added_tokens }, vocabulary, dir: 'd' });
    const sentence = {
      type: 'Sequence',
      decoders: [{ type: 'Replace' }, { type: 'ByteFallback' }],
    };
    expect(of(sentence).map((bytes) => bytes && [...bytes])).toEqual([
      [0x20, 0x61],
      [0xe2],
      null,
      [...Buffer.from('<tag>')],
    ]);
    expect(() => of({ type: 'WordPiece' })).toThrow(/not known for a decoder of type "WordPiece"/);
  });
});
