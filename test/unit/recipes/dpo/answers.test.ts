/** Preference rows as token sequences: what the chat template gets of a row. */
import { expect, it } from 'vitest';
import type { DpoConfig } from '../../../../src/config/index.js';
import { answersOf } from '../../../../src/recipes/dpo/answers.js';
import { loadTokenizer } from '../../../../src/tokenizer/index.js';
import { byteTokenizer } from '../../../support/tokenizers.js';

const config = { prompt_template: null, system_prompt: null, chat_template_kwargs: {} };

it.each([
  ['messages', { prompt: [{ role: 'user', content: 'hi' }] }],
  ['a question', { question: 'hi' }],
])('a row of %s gives the chat template its tools', async (_, asked) => {
  const { dir } = await byteTokenizer();
  const chatTemplate =
    '{% for t in tools %}[{{ t.name }}]{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}';
  const tokenizer = await loadTokenizer(dir, { chatTemplate });
  const row = { ...asked, tools: [{ name: 'add' }], chosen: 'yes', rejected: 'no' };
  const source = { tokenizer, config: config as unknown as DpoConfig, where: 'row 1' };
  const { sequences } = answersOf(row, ['chosen', 'rejected'], source);
  expect(sequences.map(({ ids }) => tokenizer.decode(ids))).toEqual([
    '[add]<user>hi<assistant>yes<|eos|>',
    '[add]<user>hi<assistant>no<|eos|>',
  ]);
});
