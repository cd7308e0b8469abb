/** `text_offset` counts as Python's strings do, which OpenAI's clients read it by. */
import { expect, it } from 'vitest';
import { charactersOf, logprobsOf } from '../../../../src/recipes/serve/logprobs.js';
import type { Ask } from '../../../../src/recipes/serve/read-request.js';

const TEXTS = ['a', '😀', 'é', 'b'];

it('a character beyond 16 bits is one', () => {
  const decode = (ids: readonly number[]) => ids.map((id) => TEXTS[id]).join('');
  const ask = {
    endpoint: 'completions',
    topLogprobs: 0,
    model: { source: { tokenizer: { decode } } },
  } as unknown as Ask;
  const tokens = TEXTS.map((_, id) => ({ id, logprob: -1 }));
  expect(logprobsOf(ask, { tokens, offset: 5 }).text_offset).toEqual([5, 6, 7, 8]);
  expect(charactersOf(ask, tokens)).toBe(4);
});
