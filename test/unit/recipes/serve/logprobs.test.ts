/** Tokens as `logprobs` tells them: put together they are the text, and `text_offset` counts as Python's strings do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { charactersOf, logprobsOf } from '../../../../src/recipes/serve/logprobs.js';
import type { Ask } from '../../../../src/recipes/serve/read-request.js';
import { loadTokenizer, type Tokenizer } from '../../../../src/tokenizer/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const TEXTS = ['a', '😀', 'é', 'b'];

const askOf = (endpoint: string, tokenizer: Partial<Tokenizer>, topLogprobs = 0): Ask =>
  ({ endpoint, topLogprobs, model: { source: { tokenizer } } }) as unknown as Ask;

it('a character beyond 16 bits is one', () => {
  const ask = askOf('completions', { tokenBytes: () => TEXTS.map((text) => Buffer.from(text)) });
  const tokens = TEXTS.map((_, id) => ({ id, logprob: -1 }));
  expect(logprobsOf(ask, { tokens, offset: 5, place: 1 }).text_offset).toEqual([5, 6, 7, 8]);
  expect(charactersOf(ask, { tokens, place: 0 })).toBe(4);
});

/** As Llama 2's and Phi-3's, whose decoder takes the first space away. */
async function sentencePieces(): Promise<Tokenizer> {
  const dir = temporaryFolder();
  const pieces = [
    '<unk>',
    '</s>',
    '\u2581Hello',
    '\u2581world',
    '\u2581',
    'Hello',
    '<0xC3>',
    '<0xA9>',
  ];
  const special = ['<unk>', '</s>'].map((content, id) => ({ id, content, special: true }));
  const json = {
    ...{ version: '1.0', truncation: null, padding: null },
    ...{ normalizer: null, pre_tokenizer: null, post_processor: null },
    added_tokens: special,
    model: {
      ...{ type: 'BPE', unk_token: '<unk>', byte_fallback: true, fuse_unk: true, merges: [] },
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
  };
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(json));
  const config = { tokenizer_class: 'LlamaTokenizer', eos_token: '</s>' };
  writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(config));
  return await loadTokenizer(dir);
}

const [HELLO, WORLD, SPACE, BARE, ...E_ACUTE] = [2, 3, 4, 5, 6, 7] as const;

it.each([
  [
    [HELLO, WORLD],
    ['Hello', ' world'],
    [0, 5],
  ],
  [
    [SPACE, HELLO, WORLD],
    ['', ' Hello', ' world'],
    [0, 0, 6],
  ],
  [
    [BARE, SPACE, WORLD],
    ['Hello', ' ', ' world'],
    [0, 5, 6],
  ],
])(
  'tokens of a decoder that takes the first space away are the text: %j',
  async (ids, texts, at) => {
    const tokenizer = await sentencePieces();
    const tokens = ids.map((id) => ({ id, logprob: -1 }));
    const told = logprobsOf(askOf('completions', tokenizer), { tokens, offset: 0, place: 0 });
    expect(told).toMatchObject({ tokens: texts, text_offset: at });
    expect(texts.join('')).toBe(tokenizer.decode(ids));
    const { content } = logprobsOf(askOf('chat', tokenizer), { tokens, offset: 0, place: 0 }) as {
      content: { token: string; bytes: number[] }[];
    };
    expect(content.map(({ token }) => token)).toEqual(texts);
    expect(content.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(texts);
  },
);

it('tells tokens apart that differ by their space, and bytes of a character', async () => {
  const ask = askOf('completions', await sentencePieces(), 2);
  const topLogprobs = [HELLO, BARE].map((id) => ({ id, logprob: -id }));
  const later = { tokens: [{ id: HELLO, logprob: -2, topLogprobs }], offset: 3, place: 1 };
  expect(logprobsOf(ask, later).top_logprobs).toEqual([{ ' Hello': -2, Hello: -5 }]);
  const tokens = E_ACUTE.map((id) => ({ id, logprob: -1 }));
  const chat = logprobsOf({ ...ask, endpoint: 'chat' }, { tokens, offset: 0, place: 0 });
  expect(chat.content).toMatchObject([{ bytes: [0xc3] }, { bytes: [0xa9] }]);
});
