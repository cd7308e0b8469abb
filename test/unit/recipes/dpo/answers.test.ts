/** Preference rows as token sequences: what the chat template gets of a row. */
import { expect, it } from 'vitest';
import type { DpoConfig } from '../../../../src/config/index.js';
import { answersOf } from '../../../../src/recipes/dpo/answers.js';
import { loadTokenizer } from '../../../../src/tokenizer/index.js';
import { InputError } from '../../../../src/util/errors.js';
import type { JsonRow } from '../../../../src/util/files.js';
import { rejectionOf } from '../../../support/failures.js';
import { byteTokenizer } from '../../../support/tokenizers.js';

const config = { prompt_template: null, system_prompt: null, chat_template_kwargs: {} };

const CHAT =
  '{% for t in tools or [] %}[{{ t.name }}]{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}';

async function texts(row: JsonRow): Promise<string[]> {
  const { dir } = await byteTokenizer();
  const tokenizer = await loadTokenizer(dir, { chatTemplate: CHAT });
  const source = { tokenizer, config: config as unknown as DpoConfig, where: 'row 1' };
  const { sequences } = answersOf(row, ['chosen', 'rejected'], source);
  return sequences.map(({ ids }) => tokenizer.decode(ids));
}

it.each([
  ['messages', { prompt: [{ role: 'user', content: 'hi' }] }],
  ['a question', { question: 'hi' }],
])('a row of %s gives the chat template its tools', async (_, asked) => {
  expect(
    await texts({ ...asked, tools: [{ name: 'add' }], chosen: 'yes', rejected: 'no' }),
  ).toEqual(['[add]<user>hi<assistant>yes<|eos|>', '[add]<user>hi<assistant>no<|eos|>']);
});

it.each<[JsonRow['prompt'], string]>([
  ['Q: hi A:', '<|bos|>Q: hi A:yes<|eos|>'],
  [
    [
      { role: 'system', content: 'be short' },
      { role: 'user', content: 'hi' },
    ],
    '<system>be short<user>hi<assistant>yes<|eos|>',
  ],
])('of prompt %j and its question the prompt is read, as in TRL', async (prompt, expected) => {
  const row = { prompt, question: 'hi ', chosen: 'yes', rejected: 'no' };
  expect((await texts(row))[0]).toBe(expected);
  expect((await texts({ ...row, question: null }))[0]).toBe(expected);
});

it('a prompt of another question is refused with both', async () => {
  const row = { prompt: 'ho', question: 'hi', chosen: 'yes', rejected: 'no' };
  const error = await rejectionOf(InputError, texts(row));
  expect(error.message).toBe(
    'row 1: prompt and question ask for different things: "ho" and "hi". Leave one of them out, as by dataset.columns={unread: question}',
  );
});
