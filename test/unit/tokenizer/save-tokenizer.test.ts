/** A chat template and an end of text given in place of the tokenizer's own: used, saved, opened again. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadTokenizer, readChatTemplate, saveTokenizer } from '../../../src/tokenizer/index.js';
import { readJson } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';
import { byteTokenizer } from '../../support/tokenizers.js';

const TEMPLATE = "{{ messages[0].content }}{{ '!' if loud else '.' }}{{ eos_token }}";
const MESSAGES = [{ role: 'user', content: 'hi' }];

it('saves what it was opened with, so that the folder alone gives the same tokenizer', async () => {
  const { dir, eosIds, tokenId } = await byteTokenizer();
  writeFileSync(join(dir, 'generation_config.json'), '{"temperature": 1}');
  writeFileSync(join(dir, 'special_tokens_map.json'), '{"eos_token": {"content": "<|eos|>"}}');
  const given = await loadTokenizer(dir, { chatTemplate: TEMPLATE, eosToken: '<|user|>' });
  expect(given.eosId).toBe(tokenId('<|user|>'));
  const text = (loud: boolean) => given.applyChatTemplate(MESSAGES, { templateArgs: { loud } });
  expect([text(true), text(false)]).toEqual(['hi!<|user|>', 'hi.<|user|>']);

  const copy = join(temporaryFolder(), 'copy');
  saveTokenizer(given, copy);
  const opened = await loadTokenizer(copy);
  expect(opened.chatTemplate).toBe(TEMPLATE);
  expect([opened.eosId, ...opened.eosIds]).toEqual([given.eosId, given.eosId]);
  expect(opened.applyChatTemplate(MESSAGES)).toBe('hi.<|user|>');
  expect(readJson(join(copy, 'tokenizer_config.json'))).not.toHaveProperty('chat_template');
  expect(readJson(join(copy, 'special_tokens_map.json'))).toEqual({ eos_token: '<|user|>' });
  expect(readJson(join(copy, 'generation_config.json'))).toEqual({
    temperature: 1,
    eos_token_id: [given.eosId],
  });
  expect((await loadTokenizer(dir)).eosIds).toEqual(eosIds);
});

it.each([
  ['no generation_config.json', undefined, [3, 7]],
  ['one that names no end', { temperature: 1 }, [3, 7]],
  ['one that names its own', { eos_token_id: 9 }, [9]],
])('saves the ends that the config of the model names, with %s', async (_, generation, ends) => {
  const { dir, eosId } = await byteTokenizer();
  writeFileSync(join(dir, 'config.json'), '{"eos_token_id": [3, 7]}');
  const path = join(dir, 'generation_config.json');
  if (generation !== undefined) writeFileSync(path, JSON.stringify(generation));
  const tokenizer = await loadTokenizer(dir);
  const copy = join(temporaryFolder(), 'copy');
  saveTokenizer(tokenizer, copy);
  expect((await loadTokenizer(copy)).eosIds).toEqual([eosId, ...ends]);
  const saved = readJson(join(copy, 'generation_config.json'));
  expect(saved).toMatchObject(generation ?? {});
});

it('refuses an end of text that is no token', async () => {
  const { dir } = await byteTokenizer();
  await expect(loadTokenizer(dir, { eosToken: '<end>' })).rejects.toThrow(
    'eos_token: eos_token "<end>" has no id in the vocabulary',
  );
});

it('reads a template of a file or of a folder, and says where there is none', async () => {
  const dir = temporaryFolder();
  const file = join(dir, 'own.jinja');
  writeFileSync(file, TEMPLATE);
  expect(readChatTemplate(file)).toBe(TEMPLATE);
  expect(readChatTemplate((await byteTokenizer()).dir)).toContain('<|assistant|>');
  expect(() => readChatTemplate(join(dir, 'no.jinja'))).toThrow(/no\.jinja is not there/);
  mkdirSync(join(dir, 'empty'));
  expect(() => readChatTemplate(join(dir, 'empty'))).toThrow(/empty holds none/);
  writeFileSync(file, ' \n');
  expect(() => readChatTemplate(file)).toThrow(/own\.jinja holds none/);
});
