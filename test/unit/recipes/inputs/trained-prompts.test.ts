import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PromptKeys } from '../../../../src/recipes/inputs/render-options.js';
import { sayOtherPrompts } from '../../../../src/recipes/inputs/trained-prompts.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { writeRunRecord } from '../run-record.js';

const dir = temporaryFolder();

/** The model folder of a run with this config. */
function modelOf(name: string, config: object): string {
  const folder = join(dir, name, 'model');
  mkdirSync(folder, { recursive: true });
  writeRunRecord(join(dir, name), { config });
  return folder;
}

const NONE = { prompt_template: null, system_prompt: null, chat_template_kwargs: {} };
const PLAIN = { ...NONE, prompt_template: '{prompt}' };
const SYSTEM = {
  ...NONE,
  system_prompt: 'Count.',
  chat_template_kwargs: { enable_thinking: false },
};

const said = (keys: Partial<PromptKeys>, folder: string) => {
  const lines: string[] = [];
  sayOtherPrompts(keys, folder, (line) => lines.push(line));
  return lines;
};

test('prompts as in training, those of another model, and commands without prompts: nothing to say', () => {
  const plain = modelOf('plain', PLAIN);
  const none = modelOf('none', NONE);
  mkdirSync(join(dir, 'no-run', 'model'), { recursive: true });
  expect([
    said(PLAIN, plain),
    said(NONE, none),
    said({ ...NONE, system_prompt: 'Be short.' }, none),
    said(NONE, join(dir, 'no-run', 'model')),
    said({}, plain),
  ]).toEqual([[], [], [], [], []]);
});

test.each([
  ['one', PLAIN, 'trained with prompt_template="{prompt}", asked without; give prompt_template to'],
  [
    'two',
    SYSTEM,
    'system_prompt="Count." and chat_template_kwargs={"enable_thinking":false}, asked without; give system_prompt and chat_template_kwargs to',
  ],
  ['long', { ...NONE, system_prompt: 'x'.repeat(200) }, `="${'x'.repeat(79)}…, asked without`],
])('what training was told and the command is not, %s', (name, config, expected) => {
  expect(said(NONE, modelOf(name, config))).toEqual([expect.stringContaining(expected)]);
});
